/**
 * The namespaces that are in no backup, and that no restore clears: what a transport remembers for
 * a while so as not to do things twice. An older memory would do them again.
 */
export const TRANSIENT: ReadonlySet<string> = new Set(['Telegram'])
