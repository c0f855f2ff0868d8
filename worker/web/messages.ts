import { isStoreError, type StoreErrorCode } from 'botshelf'
import { NamespaceError } from 'botshelf/backup'

const STORE_ERROR_MESSAGES: Readonly<Partial<Record<StoreErrorCode, string>>> = {
  UNAVAILABLE:
    'This browser does not let the page store data, so the bot in this tab cannot remember anything. Leave private browsing or allow site data, and reload the page. Or choose a Worker.',
  QUOTA_EXCEEDED:
    'The storage space that this browser gives the page is full. This change was not stored; everything stored before is intact. Remove entries or free space on this device, then try again.',
  BLOCKED:
    'Another tab with an older version of this page blocks the storage. Close or reload that tab, then try again.',
  VERSION_MISMATCH:
    'A newer version of this page wrote the stored data. Nothing was changed. Reload the page.',
  CONNECTION_LOST:
    'The browser closed the connection to its storage, so it is unknown whether this change was stored. Check the stored data, then try again.',
  CORRUPT:
    'Some stored data cannot be read. It was not changed. Restore a backup, or clear this site’s data in the browser’s settings.',
  TIMEOUT:
    'The storage did not answer in time. Close or reload the other tabs of this page, then try again.',
  CONFLICT: 'This change was not stored, because others kept changing the same entry. Try again.',
}

/** Describes an error to a user: what happened to their data, and what they can do. */
export function describeError(error: unknown): string {
  if (error instanceof NamespaceError) {
    const names = error.namespaces.map((name) => `“${name}”`).join(', ')
    const subject = error.namespaces.length === 1 ? 'Namespace' : 'Namespaces'
    return `${subject} ${names} cannot be read; the others can. ${describeError(error.cause)}`
  }
  if (isStoreError(error)) {
    return (
      STORE_ERROR_MESSAGES[error.code] ??
      `Unexpected storage error (${error.code}). Reload the page and try again.`
    )
  }
  return error instanceof Error ? error.message : String(error)
}

/** Shown when the browser reports that this tab's data is gone. */
export const DATA_LOST =
  'The data in this tab was cleared: by you in the browser’s settings, by another tab, or by the browser to free space. The bot starts empty. To get the data back, restore a backup.'

/** Formats a count with its noun: `1 entry`, `2 entries`, `1,200 entries`. */
export function formatCount(count: number, singular: string, plural: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? singular : plural}`
}
