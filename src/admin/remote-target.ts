import { checkRequiredOptions, type OptionTypes, STRING } from '../arguments.ts'
import { jsonBytes, MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES, splitIntoChunks } from '../backup/chunks.ts'
import { type BackupChange, byName, type StoredValue } from '../backup/entry.ts'
import { createPart } from '../backup/part.ts'
import type { BackupTarget } from '../backup/target.ts'
import { quote } from '../errors.ts'
import { checkAnswer, parseEntriesPage, parseNamespaces, parseRestoreAnswer } from './answers.ts'
import { type AdminAccess, AdminError, callBot } from './client.ts'
import { callWithRetries } from './call-with-retries.ts'
import { MAX_ENTRY_BYTES } from './http.ts'

/** Options of {@link remoteTarget}. */
export interface RemoteTargetOptions extends AdminAccess {
  /** The storage, by its name in the bot's configuration. Default the bot's default. */
  readonly storage?: string | undefined
  /** The `basePath` of the bot's `createAdminHandler`. Default `/admin`, relative to `url`. */
  readonly basePath?: string | undefined
}

const OPTIONS: OptionTypes = { url: STRING, token: STRING, storage: STRING, basePath: STRING }

/** The URL of an admin API and the storage that its calls name. */
interface RemoteApi {
  readonly access: AdminAccess
  readonly basePath: string
  readonly storage: string | undefined
}

/**
 * Creates a {@link BackupTarget} that reads and changes a bot's storage through its admin API
 * (`createAdminHandler`). A call takes up to 200 changes and 1 MiB, or a single change of almost 16 MiB;
 * `apply` rejects a larger change before the first call. If a call is answered 503 or 429, or the bot
 * cannot be reached, `apply` retries it three times.
 *
 * The bot skips entries that have expired and entries of its `excludedNamespaces`, without an error;
 * `onDone` counts them as applied. A value under the key of an expired entry is kept.
 *
 * The methods reject with an AdminError.
 *
 * @throws StoreError `INVALID_VALUE` for invalid options
 *
 * @example
 * const target = remoteTarget({ url: 'https://bot.example.com/', token, storage: 'DurableObject' })
 * const contents = await readAll(target)
 */
export function remoteTarget(options: RemoteTargetOptions): BackupTarget {
  const {
    storage,
    basePath = '/admin',
    ...access
  } = checkRequiredOptions(options, OPTIONS, ['url'])
  const remote: RemoteApi = {
    access,
    basePath: basePath.replace(/^\//, '').replace(/.$/, '$&/'),
    storage,
  }
  return {
    async namespaces() {
      const answer = await callBot(access, pathOf(remote, 'namespaces'))
      return checkAnswer(access.url, answer, parseNamespaces)
    },
    async entries(namespace) {
      const entries = new Map<string, StoredValue>()
      let after: string | undefined
      for (let cursor: string | null = ''; cursor !== null;) {
        // The namespace is not in the path: URLs drop the segments `.` and `..`, even escaped.
        const path = pathOf(remote, 'storage', { namespace, cursor })
        const answer = await callBot(access, path)
        const page = await checkAnswer(access.url, answer, (given) =>
          parseEntriesPage(given, after),
        )
        for (const [key, stored] of page.items) entries.set(key, stored)
        after = page.items.at(-1)?.[0]
        ;({ cursor } = page)
      }
      return entries
    },
    async apply(changes, onDone = () => {}) {
      for (const change of changes) assertFits(change)
      const set = changes.filter((change) => !('remove' in change))
      const removed = changes.filter((change) => 'remove' in change)
      // All entries are set before any is removed.
      await restore(remote, set, onDone)
      await restore(remote, removed, (done) => onDone(set.length + done))
    },
  }
}

function pathOf(
  { basePath, storage }: RemoteApi,
  resource: string,
  parameters: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams(parameters)
  if (storage !== undefined) query.set('storage', storage)
  return `${basePath}${resource}?${query.toString()}`
}

/** Sends the changes as one restore, part by part. */
async function restore(
  remote: RemoteApi,
  changes: readonly BackupChange[],
  onDone: (done: number) => void,
): Promise<void> {
  const bounds = { maxItems: MAX_CHUNK_ENTRIES, maxBytes: MAX_CHUNK_BYTES }
  const chunks = [...splitIntoChunks(changes.toSorted(byName), bounds)]
  const path = pathOf(remote, 'restore')
  let done = 0
  let restoreToken: string | undefined
  let after: string | null = null
  for (const [index, entries] of chunks.entries()) {
    const part = await createPart({ after, entries, isLast: index === chunks.length - 1 })
    const body = { mode: 'merge', part, restore: restoreToken }
    const answer = await callWithRetries(remote.access, path, { body })
    restoreToken = (await checkAnswer(remote.access.url, answer, parseRestoreAnswer)).restore
    after = part.next
    done += entries.length
    onDone(done)
  }
}

function assertFits(change: BackupChange): void {
  const bytes = jsonBytes(change)
  if (bytes <= MAX_ENTRY_BYTES) return
  const name = `${quote(change.key)} of ${quote(change.namespace)}`
  throw new AdminError(
    `The entry ${name} is too large to send: it has ${bytes} bytes, at most ${MAX_ENTRY_BYTES} fit.`,
  )
}
