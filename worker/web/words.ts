import { isStoreError, type StoreErrorCode } from 'botshelf'
import { NamespaceError } from 'botshelf/backup'

const WORDS: Readonly<Partial<Record<StoreErrorCode, string>>> = {
  UNAVAILABLE:
    'This browser does not let the page keep anything: a private window perhaps, or a setting that blocks site data. So the bot cannot remember in this tab. Allow it and load the page again, or go to an edge.',
  QUOTA_EXCEEDED:
    'The room that this browser gives the page is full. What was kept before is still there, and this was not added. Free some room on this device, or remove something.',
  BLOCKED:
    'Another tab of this page holds the storage in an older version. Close it or load it again, and then try again.',
  VERSION_MISMATCH:
    'A newer version of this page has been here, in another tab perhaps. Nothing was touched; load the page again.',
  CONNECTION_LOST:
    'The browser let go of the storage just now, and it is not known whether this was kept. Look, and try again.',
  CORRUPT:
    'Something in this browser’s storage cannot be read. It was not touched; restore a backup, or clear this site’s data.',
  TIMEOUT: 'The storage did not answer in time. Try again.',
  CONFLICT: 'Others changed the same thing all the time. Try again.',
}

/** What went wrong, for people: what happened to their data, and what they can do. */
export function troubleWords(error: unknown): string {
  if (error instanceof NamespaceError) {
    const names = error.namespaces.map((name) => `“${name}”`).join(', ')
    return `What is in ${names} cannot be read; the others can still be seen. ${troubleWords(error.cause)}`
  }
  if (isStoreError(error)) {
    return WORDS[error.code] ?? `The storage failed, and nobody foresaw how (${error.code}).`
  }
  return error instanceof Error ? error.message : String(error)
}

/** Said when what the tab kept is gone. */
export const DATA_LOST =
  'What this tab kept has been cleared: by you in the browser’s settings, by another tab, or by the browser for want of room. The bot begins anew; a backup brings everything back.'

/** `1 entry`, `2 entries`, `1,200 entries`. */
export function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}
