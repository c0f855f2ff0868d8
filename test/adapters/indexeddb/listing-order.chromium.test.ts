import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import type { KeysOptions, StorageBase } from '../../../src/storage.ts'
import { replaceMethod } from './support/replace-method.ts'

const plugin = new IndexedDBStoragePlugin({ STORAGE_CONFIG: { database: 'listing-order' } })
/** More than one page of keys, and many pages of entries. */
const COUNT = 5700
const NOW = 1_000_000
let storage: StorageBase
/** In ascending order. The last keys tell code units from code points. */
const ALL_KEYS = [
  ...Array.from({ length: COUNT }, (_, index) => `k${String(index).padStart(4, '0')}`),
  'm',
  '\u{1f600}',
  '\ufb01',
]
const EXPIRED = new Set(ALL_KEYS.filter((_, index) => index % 10 === 7))

beforeAll(async () => {
  storage = await plugin.open('ns')
  await storage.commit([
    ALL_KEYS.map((key) => ({
      key,
      entry: { value: key, version: 'v', ...(EXPIRED.has(key) && { expires: NOW }) },
      bytes: 10,
    })),
  ])
})

afterAll(() => storage.close())

async function listed(options: KeysOptions, most = Infinity): Promise<[string[], string[]]> {
  const keys: string[] = []
  for await (const key of storage.liveKeys(NOW, options)) if (keys.push(key) >= most) break
  const entries: string[] = []
  for await (const [key, { value }] of storage.entries(options)) {
    expect(value).toBe(key)
    if (entries.push(key) >= most) break
  }
  return [keys, entries]
}

function expected({ prefix = '', after, reverse = false }: KeysOptions): [string[], string[]] {
  const selected = ALL_KEYS.filter((key) => key.startsWith(prefix)).filter(
    (key) => after === undefined || (reverse ? key < after : key > after),
  )
  const ordered = reverse ? selected.toReversed() : selected
  return [ordered.filter((key) => !EXPIRED.has(key)), ordered]
}

/** Counts the records and keys that the database returns while `run` runs. */
async function countRead(run: () => Promise<unknown>): Promise<number> {
  let count = 0
  const methods = (['getAll', 'getAllKeys', 'getAllRecords'] as const).filter(
    (method) => method in IDBObjectStore.prototype,
  )
  const restorers = methods.map((method) =>
    replaceMethod(
      IDBObjectStore.prototype as IDBObjectStore & { getAllRecords: IDBObjectStore['getAll'] },
      method,
      (original) =>
        function (this: IDBObjectStore, ...parameters: never) {
          const request = (original as IDBObjectStore['getAll']).apply(this, parameters)
          request.addEventListener('success', () => (count += request.result.length))
          return request as never
        },
    ),
  )
  await run()
  for (const restore of restorers.toReversed()) restore()
  return count
}

const PATHS: [string, boolean][] = [
  ['with getAllRecords', true],
  ['without getAllRecords', false],
]

describe.each(PATHS)('in a browser %s', (_, hasRecords) => {
  const original = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, 'getAllRecords')

  beforeAll(() => {
    if (!hasRecords) Reflect.deleteProperty(IDBObjectStore.prototype, 'getAllRecords')
  })
  afterAll(() => {
    if (original) Object.defineProperty(IDBObjectStore.prototype, 'getAllRecords', original)
  })

  test('getAllRecords is there or not', () => {
    expect('getAllRecords' in IDBObjectStore.prototype).toBe(hasRecords)
  })

  test.each<KeysOptions>([
    {},
    { prefix: 'k1' },
    { prefix: 'k', after: 'k3999' },
    { prefix: 'k1', after: 'a' },
    { after: 'm' },
    { prefix: 'k1', after: 'k2' },
    { prefix: 'none' },
    { limit: 3 },
    { limit: 700 },
  ])(
    'a listing with %o has the right keys in ascending and in descending order',
    async (options) => {
      expect(await listed(options)).toEqual(expected(options))
      const reverse = { ...options, reverse: true }
      expect(await listed(reverse)).toEqual(expected(reverse))
    },
  )

  test.each([false, true])(
    'with a limit, little more than that is read (reverse: %s)',
    async (reverse) => {
      const options = { prefix: 'k', limit: 10, reverse }
      const [keys, entries] = expected(options)
      const count = await countRead(async () => {
        expect(await listed(options, 10)).toEqual([keys.slice(0, 10), entries.slice(0, 10)])
      })
      expect(count).toBeGreaterThanOrEqual(20)
      expect(count).toBeLessThanOrEqual(60)
    },
  )
})
