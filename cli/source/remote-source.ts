import { callBot } from '../../src/admin/client.ts'
import { remoteTarget } from '../../src/admin/remote-target.ts'
import { MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES, splitIntoChunks } from '../../src/backup/chunks.ts'
import type { BackupEntry, StoredValue } from '../../src/backup/entry.ts'
import { byCodeUnit } from '../../src/key.ts'
import type { BotConnection } from '../connection.ts'
import type { PrefixOptions, StorageSource } from './source.ts'

/** Creates a {@link StorageSource} that calls the admin API of a running bot. */
export function remoteSource(connection: BotConnection): StorageSource {
  const target = remoteTarget(connection)
  return {
    label: connection.url,
    async sizes() {
      const path = adminPath(connection, 'namespaces', { sizes: 'true' })
      const { sizes } = (await callBot(connection, path)) as {
        readonly sizes: Readonly<Record<string, number>>
      }
      return new Map(Object.entries(sizes).toSorted(([a], [b]) => byCodeUnit(a, b)))
    },
    keys: (namespace, options) => listKeys(connection, namespace, options),
    entries: (namespace, options) => listEntries(connection, namespace, options),
    async entry(namespace, key) {
      const page = await readPage(connection, { namespace, key })
      return toEntries(page)[0]?.[1]
    },
    apply: (changes) => target.apply(changes),
    async merge(entries, lists) {
      const bounds = { maxItems: MAX_CHUNK_ENTRIES, maxBytes: MAX_CHUNK_BYTES }
      for (const chunk of splitIntoChunks(entries, bounds)) {
        const namespace = chunk[0]?.namespace ?? ''
        const body = { entries: Object.fromEntries(chunk.map(toPair)), lists }
        await callBot(connection, adminPath(connection, 'storage', { namespace }), {
          body,
          method: 'PATCH',
        })
      }
    },
  }
}

/** Returns the path of an admin call, relative to the URL of the bot. */
export function adminPath(
  { basePath, storage }: Pick<BotConnection, 'basePath' | 'storage'>,
  resource: string,
  parameters: Readonly<Record<string, string | undefined>> = {},
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

async function readPage(
  connection: BotConnection,
  parameters: Readonly<Record<string, string | undefined>>,
): Promise<EntriesPage> {
  return (await callBot(connection, adminPath(connection, 'storage', parameters))) as EntriesPage
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

async function* listEntries(
  connection: BotConnection,
  namespace: string,
  { prefix }: PrefixOptions = {},
): AsyncGenerator<[key: string, StoredValue]> {
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: EntriesPage = await readPage(connection, { namespace, prefix, cursor })
    yield* toEntries(page)
    ;({ cursor } = page)
  }
}

async function* listKeys(
  connection: BotConnection,
  namespace: string,
  { prefix }: PrefixOptions = {},
): AsyncGenerator<string> {
  for (let cursor: string | null = ''; cursor !== null;) {
    const path = adminPath(connection, 'keys', { namespace, prefix, cursor })
    const page = (await callBot(connection, path)) as {
      readonly keys: readonly string[]
      readonly cursor: string | null
    }
    yield* page.keys
    ;({ cursor } = page)
  }
}

function toPair({ key, value }: BackupEntry): [key: string, value: string] {
  return [key, value]
}
