import { sleep } from '../async.ts'
import type { StoreTransaction } from '../transaction.ts'
import { assert, assertEqual, assertRejects, collect, sortedMap } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import { storeAt } from './test-backend.ts'
import { repeat } from './test-data.ts'

const CHECK_ALL =
  'check the conditions of all changes of a group, including `check`, and write in one atomic step of the backend'
const STORE_DECIDES =
  'check that commit() and transact() apply each group as it is; the store decides what to write'

/** `transaction`: reads and writes of several keys in one atomic step. */
export const TRANSACTION_RULES: readonly Rule[] = [
  {
    id: 'transactions/own-writes',
    name: 'a transaction sees its own writes, gets copies, stores all of its writes, and resolves to what its function returns',
    fix: STORE_DECIDES,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('a', { list: [1] })
      const written = { list: [9] }
      const result = await store.transaction(['a', 'b', 'c', 'a'], (tx) => {
        ;(tx.get('a') as typeof written).list.push(2)
        assertEqual(tx.get('a'), { list: [1] }, 'get() after a change of what get() returned')
        assertEqual(tx.has('b'), false, 'has() of a missing key')
        assertEqual(tx.record('b'), undefined, 'record() of a missing key')
        tx.set('b', written)
        written.list.push(8)
        assertEqual(tx.record('b'), { value: { list: [9] } }, 'record() after set()')
        tx.set('c', 1)
        tx.delete('a')
        assertEqual(tx.get('a'), undefined, 'get() after delete()')
        tx.delete('c')
        tx.set('c', 2)
        return 'result'
      })
      assertEqual(result, 'result', 'the result')
      assertEqual(
        sortedMap(await collect(store)),
        new Map<string, unknown>([
          ['b', { list: [9] }],
          ['c', 2],
        ]),
        'the stored entries',
      )
      const read = await store.transaction(new Set(['c']), async (tx) => tx.get('c'))
      assertEqual(read, 2, 'the result of a transaction that only reads')
    },
  },
  {
    id: 'transactions/moves',
    name: '60 concurrent transactions from stores of 3 runtimes that move an amount between two keys keep the sum',
    fix: CHECK_ALL,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const stores = await backend.openIndependentStores(3)
      await storeAt(stores, 0).setMany({ a: 100, b: 100 })
      const move = (i: number): Promise<unknown> => {
        const [from, to] = i % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const)
        return storeAt(stores, i).transaction([from, to], (tx) => {
          const amount = i % 5
          tx.set(from, (tx.get(from) as number) - amount)
          tx.set(to, (tx.get(to) as number) + amount)
        })
      }
      await Promise.all(repeat(60, move))
      const moved = repeat(60, (i) => (i % 2 === 0 ? i % 5 : -(i % 5))).reduce((sum, n) => sum + n)
      assertEqual(
        await storeAt(stores, 1).getMany(['a', 'b']),
        new Map([
          ['a', 100 - moved],
          ['b', 100 + moved],
        ]),
        'the amounts',
      )
    },
  },
  {
    id: 'transactions/write-skew',
    name: 'of two concurrent transactions that each read both keys and write one, the second sees the write of the first',
    fix: CHECK_ALL,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const stores = await backend.openIndependentStores(2)
      for (const wait of [0, 5]) {
        await storeAt(stores, 0).setMany({ 0: 'on call', 1: 'on call' })
        // Each leaves only if the other one stays.
        const leave = (i: number): Promise<void> => {
          const keys: string[] = ['0', '1']
          return storeAt(stores, i).transaction(keys, async (tx) => {
            const count = keys.filter((key) => tx.get(key) === 'on call').length
            if (wait > 0) await sleep(wait)
            if (count > 1) tx.set(String(i), 'off')
          })
        }
        await Promise.all([leave(0), leave(1)])
        const values = [...(await storeAt(stores, 0).getMany(['0', '1'])).values()]
        const onCall = values.filter((value) => value === 'on call')
        assertEqual(onCall, ['on call'], 'the values that are still "on call"')
      }
    },
  },
  {
    id: 'transactions/read-key-changes',
    name: 'a transaction runs again if a key that it only reads changes or appears meanwhile',
    fix: CHECK_ALL,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const [one, two] = await backend.openTwoStores()
      await one.set('price', 5)
      for (const key of ['price', 'discount']) {
        let runs = 0
        const total = await one.transaction(['price', 'discount', 'total'], async (tx) => {
          if (++runs === 1) await two.set(key, 3)
          const sum = (tx.get('price') as number) - ((tx.get('discount') ?? 0) as number)
          tx.set('total', sum)
          return sum
        })
        assertEqual(runs, 2, `how often the function ran when ${key} changed`)
        assertEqual(total, key === 'price' ? 3 : 0, `the result when ${key} changed`)
        assertEqual(await one.get('total'), total, `the stored total when ${key} changed`)
      }
    },
  },
  {
    id: 'transactions/throws',
    name: 'a transaction whose function throws, or sets an invalid value, rejects with that error and stores nothing',
    fix: STORE_DECIDES,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('a', 1)
      const thrown = new TypeError('thrown by the function')
      const fail = (tx: StoreTransaction<Record<string, unknown>>): never => {
        tx.set('a', 2)
        tx.set('b', 2)
        throw thrown
      }
      for (const run of [fail, async (tx: Parameters<typeof fail>[0]) => fail(tx)]) {
        const error: unknown = await store.transaction(['a', 'b'], run).then(
          () => undefined,
          (reason: unknown) => reason,
        )
        assert(error === thrown, `expected the error of the function; received ${String(error)}`)
      }
      await assertRejects(
        store.transaction(['a', 'b'], (tx) => {
          tx.set('b', 2)
          tx.set('a', () => 1)
        }),
        'INVALID_VALUE',
        'a transaction that sets a function',
      )
      assertEqual(new Map(await collect(store)), new Map([['a', 1]]), 'the stored entries')
    },
  },
  {
    id: 'transactions/unnamed-key',
    name: 'a transaction that uses a key that it did not name rejects with INVALID_KEY and stores nothing, also if its function catches the error',
    fix: STORE_DECIDES,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('other', 1)
      const uses: Record<string, (tx: StoreTransaction<Record<string, unknown>>) => unknown> = {
        get: (tx) => tx.get('other'),
        record: (tx) => tx.record('other'),
        has: (tx) => tx.has('other'),
        set: (tx) => tx.set('other', 2),
        delete: (tx) => tx.delete('other'),
      }
      for (const [name, use] of Object.entries(uses)) {
        const tries = { caught: false }
        const { message } = await assertRejects(
          store.transaction(['a'], (tx) => {
            tx.set('a', 1)
            try {
              use(tx)
            } catch {
              tries.caught = true
            }
          }),
          'INVALID_KEY',
          `${name}() of a key that was not named`,
        )
        assert(tries.caught, `${name}() of a key that was not named: expected it to throw`)
        assert(
          message.includes('"other"') && message.includes('"a"'),
          `the message of INVALID_KEY: expected both keys in it; received "${message}"`,
        )
      }
      assertEqual(new Map(await collect(store)), new Map([['other', 1]]), 'the stored entries')
    },
  },
  {
    id: 'transactions/expiry',
    name: 'a transaction gives what it sets the expiry of its options, or of the options of set(), and shows expiries in record()',
    fix: 'store the expiry of each entry of a group',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const expires = backend.now + 90_000
      await store.set('old', 1, { expires })
      await store.set('kept', 1, { expires })
      await store.transaction(
        ['old', 'own', 'common', 'kept'],
        (tx) => {
          assertEqual(tx.record('old'), { value: 1, expires }, 'record() in the transaction')
          tx.set('common', 1)
          tx.set('own', 1, { ttl: 5 })
          assertEqual(tx.record('own'), { value: 1, expires: backend.now + 5 }, 'record() of own')
          tx.set('own', 2, { expires: null })
        },
        { ttl: 30_000 },
      )
      await store.transaction(['old'], (tx) => tx.set('old', 2))
      const records = new Map(await collect(store.records()))
      assertEqual(records.get('common'), { value: 1, expires: backend.now + 30_000 }, 'common')
      assertEqual(records.get('own'), { value: 2 }, 'the record set with expires of null')
      assertEqual(records.get('old'), { value: 2 }, 'the record set without options')
      assertEqual(records.get('kept'), { value: 1, expires }, 'the record that was not set')
    },
  },
  {
    id: 'transactions/ended',
    name: 'a transaction object that is used after its function has returned throws STORE_NOT_OPEN and stores nothing',
    fix: STORE_DECIDES,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const tx = await store.transaction(['a'], (each) => {
        each.set('a', 1)
        return { later: each }
      })
      await assertRejects((async () => tx.later.get('a'))(), 'STORE_NOT_OPEN', 'get() afterwards')
      await assertRejects(
        (async () => tx.later.set('a', 2))(),
        'STORE_NOT_OPEN',
        'set() afterwards',
      )
      assertEqual(await store.get('a'), 1, 'the stored value')
    },
  },
  {
    id: 'transactions/arguments',
    name: 'transaction() rejects an empty or invalid list of keys with INVALID_KEY, and no function with INVALID_VALUE',
    fix: STORE_DECIDES,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      let runs = 0
      const run = (): void => void runs++
      for (const keys of [[], new Set(), 'ab', null, undefined, 5, ['a', 5], ['\ud800']]) {
        const what = `transaction() with ${Object.prototype.toString.call(keys)}`
        await assertRejects(store.transaction(keys as string[], run), 'INVALID_KEY', what)
      }
      await assertRejects(
        store.transaction(['a'], 5 as never),
        'INVALID_VALUE',
        'transaction() without a function',
      )
      assertEqual(runs, 0, 'how often the function ran')
    },
  },
]
