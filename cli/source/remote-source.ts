import { type BotCallOptions, callBot } from '../../src/admin/client.ts'
import { callWithRetries } from '../../src/admin/call-with-retries.ts'
import type { BackupChange, BackupEntry, StoredValue } from '../../src/backup/entry.ts'
import { createPart } from '../../src/backup/part.ts'
import { byCodeUnit } from '../../src/key.ts'
import type { BotConnection } from '../connection.ts'
import { CliError, EXIT } from '../errors.ts'
import type { CommandIo } from '../io.ts'
import { sendInChunks } from './send-in-chunks.ts'
import type { PrefixOptions, StorageSource } from './source.ts'

/**
 * Creates a {@link StorageSource} that calls the admin API of a running bot. The signal aborts a read, and
 * stops a change between two calls.
 */
export function remoteSource(
  connection: BotConnection,
  { signal }: Partial<Pick<CommandIo, 'signal'>> = {},
): StorageSource {
  const pathOf = (resource: string, parameters?: QueryParameters): string =>
    adminPath(connection, resource, parameters)
  // A read ends at once when the user interrupts it, a change when it is complete.
  const read = (resource: string, parameters?: QueryParameters): Promise<unknown> =>
    callBot(connection, pathOf(resource, parameters), { signal })
  const readPage = async (parameters: QueryParameters): Promise<EntriesPage> =>
    (await read('storage', parameters)) as EntriesPage
  const change = (path: string, options: BotCallOptions): Promise<unknown> =>
    callWithRetries(connection, path, options)

  return {
    label: connection.url,
    async namespaces() {
      return ((await read('namespaces')) as { readonly namespaces: readonly string[] }).namespaces
    },
    async sizes() {
      const { sizes } = (await read('namespaces', { sizes: 'true' })) as {
        readonly sizes: Readonly<Record<string, number>>
      }
      return new Map(Object.entries(sizes).toSorted(([a], [b]) => byCodeUnit(a, b)))
    },
    async *keys(namespace, { prefix }: PrefixOptions = {}) {
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = (await read('keys', { namespace, prefix, cursor })) as {
          readonly keys: readonly string[]
          readonly cursor: string | null
        }
        yield* page.keys
        ;({ cursor } = page)
      }
    },
    async *entries(namespace, { prefix }: PrefixOptions = {}) {
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: EntriesPage = await readPage({ namespace, prefix, cursor })
        yield* toEntries(page)
        ;({ cursor } = page)
      }
    },
    async entry(namespace, key) {
      return toEntries(await readPage({ namespace, key }))[0]?.[1]
    },
    async apply(changes) {
      const set = changes.filter((one) => !('remove' in one))
      const removed = changes.filter((one) => 'remove' in one)
      const total = changes.length
      await sendInChunks(set, {
        signal,
        total,
        async send(entries) {
          const part = await createPart({ after: null, entries, isLast: true })
          const answer = await change(pathOf('restore'), { body: { mode: 'merge', part } })
          assertAllStored(entries, (answer as { readonly set: number }).set)
        },
      })
      await sendInChunks(removed, {
        signal,
        total,
        done: set.length,
        async send(chunk) {
          const [{ namespace } = { namespace: '' }] = chunk
          // Without entries, the lists do not matter, but the API requires them.
          const body = { lists: 'replace', remove: chunk.map(({ key }) => key) }
          await change(pathOf('storage', { namespace }), { body, method: 'PATCH' })
        },
      })
    },
    async merge(entries, lists) {
      await sendInChunks(entries, {
        signal,
        total: entries.length,
        isRepeatable: lists === 'replace',
        async send(chunk) {
          const [{ namespace } = { namespace: '' }] = chunk
          const body = { entries: Object.fromEntries(chunk.map(toPair)), lists }
          const options = { body, method: 'PATCH' } as const
          const path = pathOf('storage', { namespace })
          // A call whose answer was lost may have appended its elements.
          await (lists === 'replace' ? change(path, options) : callBot(connection, path, options))
        },
      })
    },
  }
}

/** @throws CliError if the bot ignored entries of a restore, which it does without an error */
function assertAllStored(entries: readonly BackupChange[], stored: number): void {
  if (stored === entries.length) return
  const namespace = JSON.stringify(entries[0]?.namespace)
  throw new CliError(
    EXIT.storage,
    `The bot stored only ${stored} of ${entries.length} entries of ${namespace}: it ignores entries that have expired, and namespaces that it excludes from a restore. To change one of these, use merge.`,
  )
}

type QueryParameters = Readonly<Record<string, string | undefined>>

/** Returns the path of an admin call, relative to the URL of the bot. */
export function adminPath(
  { basePath, storage }: Pick<BotConnection, 'basePath' | 'storage'>,
  resource: string,
  parameters: QueryParameters = {},
): string {
  const given = Object.entries({ ...parameters, storage }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  return `${basePath.replace(/^\//, '')}/${resource}?${new URLSearchParams(given).toString()}`
}

interface EntriesPage {
  readonly entries: Readonly<Record<string, string>>
  readonly expires: Readonly<Record<string, number>>
  readonly versions?: Readonly<Record<string, number>>
  readonly cursor: string | null
}

function toEntries({
  entries,
  expires,
  versions = {},
}: EntriesPage): readonly [key: string, StoredValue][] {
  return Object.entries(entries)
    .toSorted(([a], [b]) => byCodeUnit(a, b))
    .map(([key, value]) => [
      key,
      {
        value,
        ...(Object.hasOwn(expires, key) && { expires: expires[key] }),
        ...(Object.hasOwn(versions, key) && { version: versions[key] }),
      },
    ])
}

function toPair({ key, value }: BackupEntry): [key: string, value: string] {
  return [key, value]
}
