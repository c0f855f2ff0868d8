import type { StandardSchema } from '../schema.ts'
import { stampOf } from '../stamp.ts'
import type { Store } from '../store.ts'
import { assert, assertEqual, assertRejects } from './assertions.ts'
import type { Rule } from './rule.ts'
import type { TestBackend } from './test-backend.ts'
import { createEntry } from './test-data.ts'

const FIX =
  'store the version string of an entry as it is, also what follows its "@", and return it with the entry'

/** A schema of numbers that are at least 0. */
const schema: StandardSchema<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'botshelf',
    validate: (value) =>
      typeof value === 'number' && value >= 0
        ? { value }
        : { issues: [{ message: 'must be at least 0' }] },
  },
}

/** Opens a store without options, and stores of two versions of the values, on one namespace. */
async function openVersions(
  backend: TestBackend,
): Promise<{ raw: Store; first: Store; second: Store }> {
  const runtime = backend.createRuntime({ allowLostUpdates: true })
  const namespace = backend.createNamespace()
  return {
    raw: await runtime.open(namespace),
    first: await runtime.open(namespace, { version: 1 }),
    second: await runtime.open(namespace, {
      version: 2,
      migrate: (value, fromVersion) => `${String(value)} from ${fromVersion}`,
    }),
  }
}

/** Schemas, and versions of the values, which are a suffix of the version string of an entry. */
export const SCHEMA_RULES: readonly Rule[] = [
  {
    id: 'schema/stored-version',
    name: 'an entry keeps a version string with a suffix, such as "v1@12"',
    fix: FIX,
    run: async (backend) => {
      const storage = await backend.openStorage()
      const entry = createEntry({ n: 1 }, 'v1@12')
      await storage.set('set', entry)
      await storage.commit([[{ key: 'commit', entry, bytes: 100 }]])
      for (const key of ['set', 'commit'])
        assertEqual(await storage.get(key), entry, `the entry after ${key}()`)
      const listed = new Map<string, unknown>()
      for await (const [key, { version }] of storage.entries()) listed.set(key, version)
      assertEqual(listed.get('set'), 'v1@12', 'the version that entries() lists')
    },
  },
  {
    id: 'schema/migrate-on-read',
    name: 'a store with a version converts an earlier entry when it reads it, and the next write of the key stores the result',
    fix: FIX,
    run: async (backend) => {
      const { raw, first, second } = await openVersions(backend)
      await first.set('k', 'a')
      assertEqual(await second.get('k'), 'a from 1', 'the converted value')
      assertEqual(await raw.record('k'), { value: 'a', version: 1 }, 'the entry after a read')
      await second.update('k', (value) => `${String(value)}!`)
      assertEqual(await second.get('k'), 'a from 1!', 'the value after update()')
      assertEqual(
        await raw.record('k'),
        { value: 'a from 1!', version: 2 },
        'the entry after update()',
      )
    },
  },
  {
    id: 'schema/newer-version',
    name: 'a store rejects an entry of a newer version with VERSION_MISMATCH, and stores nothing',
    fix: FIX,
    run: async (backend) => {
      const { raw, first, second } = await openVersions(backend)
      await second.set('k', 'a')
      await assertRejects(first.get('k'), 'VERSION_MISMATCH', 'get()')
      await assertRejects(
        first.update('k', () => 'b'),
        'VERSION_MISMATCH',
        'update()',
      )
      await assertRejects(first.insert('k', 'b'), 'VERSION_MISMATCH', 'insert()')
      await assertRejects(first.pop('k'), 'VERSION_MISMATCH', 'pop()')
      assertEqual(await raw.record('k'), { value: 'a', version: 2 }, 'the entry')
    },
  },
  {
    id: 'schema/step-keeps-version',
    name: 'a step of a store without a version keeps the version of the value that it changes',
    fix: `${FIX}; a storage with perform() stores keepStamp(version, entry) as the version of a step`,
    run: async (backend) => {
      const { raw, second } = await openVersions(backend)
      const expires = backend.now + 60_000
      await second.setMany({ n: 1, list: [1], touched: 1, read: 1 })
      await raw.increment('n')
      await raw.append('list', 2)
      await raw.touch('touched', { expires })
      await raw.getOrInsert('read', 5, { expires })
      await raw.insert('inserted', 1, { version: 2 })
      await raw.increment('new')
      assertEqual(await raw.record('n'), { value: 2, version: 2 }, 'after increment()')
      assertEqual(await raw.record('list'), { value: [1, 2], version: 2 }, 'after append()')
      for (const key of ['touched', 'read'])
        assertEqual(await raw.record(key), { value: 1, expires, version: 2 }, `the key ${key}`)
      assertEqual(await raw.record('inserted'), { value: 1, version: 2 }, 'after insert()')
      assertEqual(await raw.record('new'), { value: 1 }, 'after increment() of a missing key')
    },
  },
  {
    id: 'schema/invalid-value',
    name: 'a value that does not fit the schema rejects with INVALID_VALUE, and nothing is stored',
    fix: 'check that a new namespace has no keys; the store validates values before it calls the storage',
    run: async (backend) => {
      const runtime = backend.createRuntime({ allowLostUpdates: true })
      const namespace = backend.createNamespace()
      const store = await runtime.open(namespace, { schema, version: 3 })
      const error = await assertRejects(store.set('k', -1), 'INVALID_VALUE', 'set()')
      assert(error.message.includes('must be at least 0'), "expected the schema's message")
      await assertRejects(store.setMany({ a: 1, k: -1 }), 'INVALID_VALUE', 'setMany()')
      await assertRejects(store.insert('k', -1), 'INVALID_VALUE', 'insert()')
      await assertRejects(
        store.update('k', () => -1),
        'INVALID_VALUE',
        'update()',
      )
      await assertRejects(store.increment('k', -1), 'INVALID_VALUE', 'increment()')
      assertEqual(await store.size(), 0, 'the number of keys')
      assertEqual(await store.increment('k', 1), 1, 'the sum of a valid increment()')
      const stored = await (await backend.openStorage(namespace)).get('k')
      assertEqual(stampOf(stored), 3, 'the version of the value in the storage')
    },
  },
]
