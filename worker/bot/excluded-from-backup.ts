/**
 * The namespaces that no backup has and no restore changes. `Telegram` records which updates are
 * done; an older record would make the bot answer them again.
 */
export const EXCLUDED_FROM_BACKUP: readonly string[] = ['Telegram']
