import {
  checkAnswer,
  type Page,
  parseEntriesPage,
  parseKeysPage,
  parseNamespaces,
  parseRestoreAnswer,
  parseSizes,
} from '../../src/admin/answers.ts'
import { type BotCallOptions, callBot } from '../../src/admin/client.ts'
import { callWithRetries } from '../../src/admin/call-with-retries.ts'
import type { BackupChange, BackupEntry } from '../../src/backup/entry.ts'
import { createPart } from '../../src/backup/part.ts'
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
  const read = async <T>(
    resource: string,
    parameters: QueryParameters,
    check: (fields: Readonly<Record<string, unknown>>) => T,
  ): Promise<T> => {
    const answer = await callBot(connection, pathOf(resource, parameters), { signal })
    return checkAnswer(connection.url, answer, check)
  }
  /** Reads all pages of a listing. */
  async function* readPages<T>(
    resource: string,
    parameters: QueryParameters,
    { parse, keyOf }: PageForm<T>,
  ): AsyncGenerator<T> {
    let after: string | undefined
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page<T> = await read(resource, { ...parameters, cursor }, (fields) =>
        parse(fields, after),
      )
      yield* page.items
      ;({ cursor } = page)
      after = page.items.length === 0 ? after : keyOf(page.items.at(-1) as T)
    }
  }
  const change = (path: string, options: BotCallOptions): Promise<unknown> =>
    callWithRetries(connection, path, options)

  return {
    label: connection.url,
    namespaces: () => read('namespaces', {}, parseNamespaces),
    sizes: () => read('namespaces', { sizes: 'true' }, parseSizes),
    keys: (namespace, { prefix }: PrefixOptions = {}) =>
      readPages('keys', { namespace, prefix }, { parse: parseKeysPage, keyOf: (key) => key }),
    entries: (namespace, { prefix }: PrefixOptions = {}) =>
      readPages(
        'storage',
        { namespace, prefix },
        { parse: parseEntriesPage, keyOf: ([key]) => key },
      ),
    async entry(namespace, key) {
      const { items } = await read('storage', { namespace, key }, (fields) =>
        parseEntriesPage(fields, undefined),
      )
      return items.find(([found]) => found === key)?.[1]
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
          const { set: stored } = await checkAnswer(connection.url, answer, parseRestoreAnswer)
          assertAllStored(entries, stored)
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
  const folder = basePath === '' ? '' : `${basePath.slice(1)}/`
  return `${folder}${resource}?${new URLSearchParams(given).toString()}`
}

/** How a page of a listing is read. */
interface PageForm<T> {
  readonly parse: (fields: Readonly<Record<string, unknown>>, after: string | undefined) => Page<T>
  readonly keyOf: (item: T) => string
}

function toPair({ key, value }: BackupEntry): [key: string, value: string] {
  return [key, value]
}
