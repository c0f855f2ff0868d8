import type { StepOptions } from '../arguments.ts'
import { deferred, sleep } from '../async.ts'
import { assert, assertEqual, assertRejects } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import { increment } from './test-data.ts'

const STORE_DECIDES =
  'check that commit() and transact() apply each group as it is; the store decides what to write'

/** `update` and `mutable`: what they store, what they resolve to, and how they fail. */
export const UPDATE_RULES: readonly Rule[] = [
  {
    id: 'atomic/updater-throws',
    name: 'when an updater throws, update() and mutable() reject with that error and store nothing',
    fix: STORE_DECIDES,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('k', { list: [1] })
      const thrown = new TypeError('thrown by the updater')
      const changeAndThrow = (value: unknown): never => {
        ;(value as { list: number[] }).list.push(2)
        throw thrown
      }
      const calls = [
        () => store.update('k', changeAndThrow),
        () => store.mutable('k', changeAndThrow),
        () => store.update('k', async (value) => changeAndThrow(value)),
        () => store.mutable('k', (value) => sleep(1).then(() => changeAndThrow(value))),
      ]
      for (const call of calls) {
        const error: unknown = await call().then(
          () => undefined,
          (reason: unknown) => reason,
        )
        assert(
          error === thrown,
          `a call whose updater throws: expected its own error; received ${String(error)}`,
        )
      }
      assertEqual(await store.get('k'), { list: [1] }, 'the stored value')
      await assertRejects(
        store.update('k', () => ({ f: () => 1 })),
        'INVALID_VALUE',
        'update() to an object with a function',
      )
      assertEqual(await store.get('k'), { list: [1] }, 'the stored value')
      assertEqual(await store.update('k', () => 'updated'), 'updated', 'a later update()')
    },
  },
  {
    id: 'atomic/update-result',
    name: 'update() stores what the updater returns, removes the key on undefined, and resolves to a copy of the stored value',
    fix: `${STORE_DECIDES}; set copiesValues only if the storage keeps a copy of each value`,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      assertEqual(await store.update('k', (value) => value), undefined, 'update() to undefined')
      assertEqual(await store.has('k'), false, 'has() after update() of a missing key to undefined')
      const next = { list: [1] }
      const stored = (await store.update('k', () => next)) as { list: number[] }
      assertEqual(stored, { list: [1] }, 'the result of update()')
      next.list.push(2)
      stored.list.push(3)
      assertEqual(await store.get('k'), { list: [1] }, 'the stored value')
      assertEqual(await store.update('k', () => null), null, 'update() to null')
      assertEqual(await store.get('k'), null, 'the stored value')
      assertEqual(await store.update('k', () => undefined), undefined, 'update() to undefined')
      assertEqual(await store.has('k'), false, 'has() after update() to undefined')
    },
  },
  {
    id: 'atomic/mutable-result',
    name: 'mutable() stores the draft, ignores what the function returns, and stores nothing for a missing key without an initial value',
    fix: STORE_DECIDES,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      assertEqual(
        await store.mutable('k', (draft) => assertEqual(draft, undefined, 'the draft')),
        undefined,
        'mutable() of a missing key',
      )
      assertEqual(await store.has('k'), false, 'has() after mutable() without an initial value')
      const initial = [0]
      const push = (item: number): Promise<unknown> =>
        store.mutable('k', (list) => (list as number[]).push(item), initial)
      assertEqual(await push(1), [0, 1], 'mutable() of the initial value')
      assertEqual(await push(2), [0, 1, 2], 'mutable() of the stored value')
      assertEqual(initial, [0], 'the initial value afterwards')
      assertEqual(
        await store.mutable('k', async (list) => (list as number[]).length === 3 && 'ignored'),
        [0, 1, 2],
        'mutable() with a function that returns something else',
      )
      assertEqual(await store.get('k'), [0, 1, 2], 'the stored value')
      await assertRejects(
        store.mutable('k', (list) => (list as unknown[]).push(() => 1)),
        'INVALID_VALUE',
        'mutable() that adds a function',
      )
      assertEqual(await store.get('k'), [0, 1, 2], 'the stored value')
    },
  },
  {
    id: 'atomic/write-inside-updater',
    name: 'update() rejects with CONFLICT, and does not hang, if its updater writes the same key before it awaits; it may write another key',
    fix: 'let commit() of one key run while a call of another key has not settled',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('k', 1)
      await assertRejects(
        store.update('k', async () => {
          await store.set('k', 5)
          return 2
        }),
        'CONFLICT',
        'set() of the same key inside update()',
      )
      await assertRejects(
        store.update('k', async () => {
          void store.update('other', increment)
          await store.set('k', 5)
        }),
        'CONFLICT',
        'set() of the same key inside update(), after an update() of another key',
      )
      await assertRejects(
        store.mutable('k', () => store.update('k', increment)),
        'CONFLICT',
        'update() of the same key inside mutable()',
      )
      assertEqual(await store.get('k'), 1, 'the value after three conflicts')
      assertEqual(
        await store.update('k', async (n) => {
          await store.set('other', n)
          return increment(await store.get('k'))
        }),
        2,
        'update() that sets another key',
      )
      assertEqual(await store.get('other'), 1, 'the value of the other key')
    },
  },
  {
    id: 'atomic/read-during-update',
    name: 'a read during update() does not wait for the updater, and returns the old value',
    fix: 'do not lock a key between getMany() and commit()',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('k', 'old')
      const finish = deferred()
      const started = deferred()
      const updated = store.update('k', async () => {
        started.resolve()
        await finish.promise
        return 'new'
      })
      await started.promise
      assertEqual(await store.get('k'), 'old', 'get() during update()')
      finish.resolve()
      assertEqual(await updated, 'new', 'update()')
    },
  },
  {
    id: 'atomic/update-options',
    name: 'update() and mutable() keep the expiry without options, set it with ttl, expires or null on each call, and with onInsert only if the key is missing',
    fix: 'store the expiry of each entry as it is, and remove it if the entry has no `expires`',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const calls = {
        update: (key: string, options?: StepOptions) => store.update(key, increment, options),
        mutable: (key: string, options?: StepOptions) =>
          store.mutable(key, (list) => (list as number[]).push(1), [], options),
      }
      for (const [key, call] of Object.entries(calls)) {
        const expiryOf = async (): Promise<unknown> => (await store.record(key))?.expires
        const inserted = backend.now + 60_000
        await call(key, { ttl: 60_000, onInsert: true })
        backend.advanceClock(10)
        await call(key, { ttl: 60_000, onInsert: true })
        await call(key)
        assertEqual(await expiryOf(), inserted, `the expiry that ${key}() with onInsert gave`)
        await call(key, { ttl: 60_000 })
        assertEqual(await expiryOf(), inserted + 10, `the expiry after ${key}() with a ttl`)
        backend.advanceClock(59_999)
        await call(key, { ttl: 60_000 })
        assertEqual(await expiryOf(), inserted + 60_009, `the sliding expiry of ${key}()`)
        await call(key, { expires: inserted + 90_000 })
        assertEqual(await expiryOf(), inserted + 90_000, `the expiry that ${key}() was given`)
        backend.advanceClock(90_000)
        await call(key, { ttl: 5, onInsert: true })
        assertEqual(await expiryOf(), backend.now + 5, `the expiry that ${key}() gave again`)
        await call(key, { expires: null })
        assertEqual(await expiryOf(), undefined, `the expiry after ${key}() with null`)
        assertEqual(
          await store.get(key),
          key === 'update' ? 2 : [1, 1],
          `the value after ${key}() at the expiry`,
        )
        await store.update(key, () => undefined, { ttl: 5 })
        assertEqual(await store.has(key), false, 'has() after update() to undefined with a ttl')
      }
    },
  },
  {
    id: 'atomic/get-or-insert-options',
    name: 'getOrInsert() with options sets the expiry of an existing key too, with onInsert only that of a missing one, and keeps the value',
    fix: 'store the expiry of each entry as it is, and remove it if the entry has no `expires`',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const expires = backend.now + 60_000
      const value = { list: [new Date(1)] }
      await store.getOrInsert('k', value, { expires, onInsert: true })
      assertEqual(await store.record('k'), { value, expires }, 'the record that was inserted')
      await store.getOrInsert('k', 'other', { ttl: 5, onInsert: true })
      await store.getOrInsert('k', 'other')
      assertEqual(await store.record('k'), { value, expires }, 'the record that was kept')
      const result = await store.getOrInsert('k', 'other', { expires: expires + 1 })
      assertEqual(result, value, 'getOrInsert() that sets an expiry')
      assertEqual(await store.record('k'), { value, expires: expires + 1 }, 'with expires')
      ;(result as typeof value).list.push(new Date(2))
      await store.getOrInsert('k', 'other', { expires: null })
      assertEqual(await store.record('k'), { value }, 'the record without an expiry')
    },
  },
]
