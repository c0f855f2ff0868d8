import type { Store } from '../store.ts'
import { assertEqual, assertRejects, collect } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import { storeAt } from './test-backend.ts'
import { repeat } from './test-data.ts'

const ONE_STEP =
  'check ifVersion and write in one atomic step of the backend; if the storage has perform(), run each step there on the current entry'
const RUN_STEP =
  'store the value and the expiry of each entry as they are; if the storage has perform(), apply what runStep() returns'

/** `insert`, `increment` and `touch`, and expired entries. */
export const STEP_RULES: readonly Rule[] = [
  {
    id: 'steps/insert',
    name: 'insert() stores a value with its expiry if the key is missing, and otherwise keeps the value and the expiry that are there',
    fix: RUN_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const expires = backend.now + 90_000
      assertEqual(await store.insert('k', { n: 1 }, { expires }), true, 'insert() of a missing key')
      assertEqual(await store.insert('k', { n: 2 }), false, 'insert() of an existing key')
      assertEqual(
        await store.insert('k', { n: 3 }, { ttl: 180_000 }),
        false,
        'insert() with a ttl of an existing key',
      )
      assertEqual(await store.record('k'), { value: { n: 1 }, expires }, 'record()')
      assertEqual(await store.insert('null', null), true, 'insert() of null')
      assertEqual(await store.insert('null', 1), false, 'insert() of a key with null')
      assertEqual(await store.record('null'), { value: null }, 'the record of null')
      backend.advanceClock(90_000)
      assertEqual(await store.insert('k', 'new'), true, 'insert() of an expired key')
      assertEqual(await store.record('k'), { value: 'new' }, 'record() after the expiry')
    },
  },
  {
    id: 'steps/insert-concurrent',
    name: 'of 20 concurrent insert() calls from stores of 4 runtimes, exactly one resolves to true, and its value is stored',
    fix: ONE_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const stores = await backend.openIndependentStores(4)
      const results = await Promise.all(repeat(20, (i) => storeAt(stores, i).insert('k', i)))
      assertEqual(results.filter(Boolean), [true], 'the results that are true')
      assertEqual(await storeAt(stores, 1).get('k'), results.indexOf(true), 'the stored value')
    },
  },
  {
    id: 'steps/increment',
    name: 'increment() adds any finite number, counts a missing key as 0, and resolves to the sum',
    fix: RUN_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      assertEqual(await store.increment('n'), 1, 'increment() of a missing key')
      assertEqual(await store.increment('n', 10), 11, 'increment() by 10')
      assertEqual(await store.increment('n', -20), -9, 'increment() by -20')
      assertEqual(await store.increment('n', 0.5), -8.5, 'increment() by 0.5')
      assertEqual(await store.increment('n', 0), -8.5, 'increment() by 0')
      assertEqual(await store.get('n'), -8.5, 'the stored sum')
      assertEqual(await store.increment('zero', 0), 0, 'increment() of a missing key by 0')
      assertEqual(await store.get('zero'), 0, 'the stored sum of 0')
      assertEqual(
        await Promise.all([store.increment('t'), store.set('t', 5), store.increment('t', 2)]),
        [1, undefined, 7],
        'the results of increment(), set() and increment() of one tick',
      )
      assertEqual(await store.get('t'), 7, 'the sum after set() and increment()')
    },
  },
  {
    id: 'steps/increment-concurrent',
    name: '50 concurrent increment() calls from stores of 5 runtimes are all counted, and no two resolve to the same sum',
    fix: ONE_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const stores = await backend.openIndependentStores(5)
      const sums = await Promise.all(repeat(50, (i) => storeAt(stores, i).increment('n')))
      assertEqual(
        sums.toSorted((a, b) => a - b),
        repeat(50, (i) => i + 1),
        'the sorted results',
      )
      assertEqual(await storeAt(stores, 0).get('n'), 50, 'the counter')
    },
  },
  {
    id: 'steps/increment-invalid',
    name: 'increment() rejects with INVALID_VALUE if `by` is not a finite number or the stored value is no number, and changes nothing',
    fix: RUN_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const expires = backend.now + 90_000
      for (const by of [Number.NaN, Infinity, -Infinity, '1', null, 1n, {}] as number[])
        await assertRejects(store.increment('k', by), 'INVALID_VALUE', `increment() by ${by}`)
      assertEqual(await store.size(), 0, 'size() after invalid arguments')
      for (const value of ['1', null, 1n, [1], new Date(1), true]) {
        await store.set('k', value, { expires })
        await assertRejects(
          store.increment('k', 1, { ttl: 5 }),
          'INVALID_VALUE',
          `increment() of ${Object.prototype.toString.call(value)}`,
        )
        assertEqual(await store.record('k'), { value, expires }, 'record() after the rejection')
      }
      const results = await Promise.allSettled([
        store.increment('k'),
        store.increment('other'),
        store.get('k'),
      ])
      assertEqual(
        results.map(({ status }) => status),
        ['rejected', 'fulfilled', 'fulfilled'],
        'the results of increment() of true, increment() of another key and get()',
      )
      assertEqual(await store.get('other'), 1, 'the other key')
    },
  },
  {
    id: 'steps/increment-expiry',
    name: 'increment() keeps the expiry, sets it with ttl, expires or null, and with onInsert only if the key is missing',
    fix: RUN_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const window = { ttl: 60_000, onInsert: true }
      const first = backend.now + 60_000
      assertEqual(await store.increment('n', 1, window), 1, 'increment() that creates the key')
      backend.advanceClock(59_999)
      assertEqual(await store.increment('n', 1, window), 2, 'increment() before the expiry')
      assertEqual(await store.record('n'), { value: 2, expires: first }, 'the kept expiry')
      backend.advanceClock(1)
      assertEqual(await store.increment('n', 1, window), 1, 'increment() at the expiry')
      const second = backend.now + 60_000
      assertEqual(await store.record('n'), { value: 1, expires: second }, 'the next expiry')
      await store.increment('n')
      assertEqual(await store.record('n'), { value: 2, expires: second }, 'without options')
      backend.advanceClock(10)
      await store.increment('n', 1, { ttl: 60_000 })
      assertEqual(await store.record('n'), { value: 3, expires: second + 10 }, 'with a ttl')
      await store.increment('n', 1, { expires: second + 7 })
      assertEqual(await store.record('n'), { value: 4, expires: second + 7 }, 'with expires')
      await store.increment('n', 1, { expires: null, onInsert: true })
      assertEqual(await store.record('n'), { value: 5, expires: second + 7 }, 'null with onInsert')
      await store.increment('n', 1, { expires: null })
      assertEqual(await store.record('n'), { value: 6 }, 'with expires of null')
    },
  },
  {
    id: 'steps/touch',
    name: 'touch() changes the expiry and not the value, and resolves to whether the key exists',
    fix: RUN_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const value = { list: [new Date(1), undefined] }
      await store.set('k', value)
      assertEqual(await store.touch('k', { ttl: 90_000 }), true, 'touch() of an existing key')
      const expires = backend.now + 90_000
      assertEqual(await store.record('k'), { value, expires }, 'record() after touch()')
      assertEqual(await store.touch('k', { expires: null }), true, 'touch() with null')
      assertEqual(await store.record('k'), { value }, 'record() after touch() with null')
      assertEqual(await store.touch('missing', { ttl: 90_000 }), false, 'touch() of a missing key')
      await store.touch('k', { expires })
      backend.advanceClock(90_000)
      assertEqual(await store.touch('k', { ttl: 90_000 }), false, 'touch() of an expired key')
      assertEqual(await store.get('k'), undefined, 'get() after touch() of an expired key')
      for (const options of [undefined, {}, { ttl: undefined }] as object[])
        await assertRejects(store.touch('k', options), 'INVALID_VALUE', 'touch() without an expiry')
      assertEqual(await collect(store.keys()), [], 'keys()')
    },
  },
  {
    id: 'steps/expired-entry',
    name: 'insert(), increment(), append(), touch(), pop(), getOrInsert(), update(), mutable() and transaction() treat an expired entry as missing, whether it is still stored or not',
    fix: 'compare `expires` with `now` of the options in conditions and in perform(), not with the clock of the backend',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      // By the clock of the case, the first entries have expired; by that of the backend, the others.
      const past = { expires: Date.now() - 1000 }
      for (const name of Object.keys(STEPS_ON_EXPIRED)) {
        await store.set(`${name} 1`, 'old', { ttl: 90_000 })
        await store.set(`${name} 2`, 'old', past)
      }
      backend.advanceClock(90_000)
      for (const [name, { call, result, value }] of Object.entries(STEPS_ON_EXPIRED)) {
        for (const key of [`${name} 1`, `${name} 2`]) {
          assertEqual(await call(store, key), result, `${name} of an expired key`)
          assertEqual(await store.record(key), value && { value }, `record() after ${name}`)
        }
      }
    },
  },
  {
    id: 'steps/not-supported',
    name: "with atomic: 'none', insert(), increment(), append(), touch() and transaction() reject with NOT_ATOMIC and store nothing, unless the option allowLostUpdates is given",
    fix: "keep traits.atomic at 'none' if the backend has no conditional writes; the store then refuses these methods",
    exempt: ({ atomic }) =>
      atomic === 'none' ? undefined : `the backend has conditional writes (atomic: '${atomic}')`,
    run: async (backend) => {
      const store = await backend.openStore()
      const lenient = await backend.openStore({ allowLostUpdates: true })
      const calls: Record<string, (each: Store) => Promise<unknown>> = {
        insert: (each) => each.insert('k', 1),
        increment: (each) => each.increment('k', 2),
        touch: (each) => each.touch('k', { ttl: 90_000 }),
        transaction: (each) => each.transaction(['k', 'list'], (tx) => tx.set('k', 5)),
        append: (each) => each.append('list', 1),
      }
      for (const [method, call] of Object.entries(calls)) {
        await assertRejects(call(store), 'NOT_ATOMIC', `${method}()`)
        await call(lenient)
      }
      assertEqual(await store.size(), 0, 'size()')
      const expected = [
        ['k', 5],
        ['list', [1]],
      ]
      assertEqual(await collect(lenient), expected, 'the entries with allowLostUpdates')
    },
  },
]

interface StepOnExpired {
  readonly call: (store: Store, key: string) => Promise<unknown>
  readonly result: unknown
  /** What is stored afterwards, without an expiry; absent: nothing. */
  readonly value?: unknown
}

const STEPS_ON_EXPIRED: Readonly<Record<string, StepOnExpired>> = {
  'insert()': { call: (store, key) => store.insert(key, 'new'), result: true, value: 'new' },
  'increment()': { call: (store, key) => store.increment(key, 3), result: 3, value: 3 },
  'append()': { call: (store, key) => store.append(key, 'new'), result: 1, value: ['new'] },
  'touch()': { call: (store, key) => store.touch(key, { ttl: 90_000 }), result: false },
  'pop()': { call: (store, key) => store.pop(key), result: undefined },
  'getOrInsert()': {
    call: (store, key) => store.getOrInsert(key, 'new'),
    result: 'new',
    value: 'new',
  },
  'update()': {
    call: (store, key) => store.update(key, (current) => `new, was ${String(current)}`),
    result: 'new, was undefined',
    value: 'new, was undefined',
  },
  'mutable()': {
    call: (store, key) => store.mutable(key, (list) => (list as string[]).push('new'), []),
    result: ['new'],
    value: ['new'],
  },
  'transaction()': {
    call: (store, key) =>
      store.transaction([key], (tx) => {
        const had = tx.has(key)
        tx.set(key, tx.get(key) ?? 'new')
        return had
      }),
    result: false,
    value: 'new',
  },
}
