import { assertEqual, assertRejects } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import { storeAt } from './test-backend.ts'
import { repeat } from './test-data.ts'

const RUN_STEP =
  'store the value and the expiry of each entry as they are; if the storage has perform(), apply what runStep() returns'

/** `append`. */
export const APPEND_RULES: readonly Rule[] = [
  {
    id: 'steps/append',
    name: 'append() adds an item at the end of a list, counts a missing key as an empty list, and resolves to the length',
    fix: RUN_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      assertEqual(await store.append('list', 'a'), 1, 'append() to a missing key')
      assertEqual(await store.append('list', undefined), 2, 'append() of undefined')
      assertEqual(await store.append('list', ['c']), 3, 'append() of a list')
      assertEqual(await store.get('list'), ['a', undefined, ['c']], 'the list')
      await store.set('set', [1])
      assertEqual(await store.append('set', 2), 2, 'append() to a list that was set')
      assertEqual(
        await Promise.all([store.append('t', 1), store.set('t', []), store.append('t', 2)]),
        [1, undefined, 1],
        'the results of append(), set() and append() of one tick',
      )
      assertEqual(await store.get('t'), [2], 'the list after set() and append()')
      // oxlint-disable-next-line no-sparse-arrays -- the case is about a list with a hole
      await store.set('holes', [1, , 3])
      await store.append('holes', 4)
      const holes = Object.keys((await store.get('holes')) as object)
      assertEqual(holes, ['0', '2', '3'], 'the indexes of a list with a hole after append()')
    },
  },
  {
    id: 'steps/append-max',
    name: 'append() with max keeps the last items',
    fix: RUN_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const lengths: number[] = []
      for (let i = 1; i <= 5; i++) lengths.push(await store.append('list', i, { max: 3 }))
      assertEqual(lengths, [1, 2, 3, 3, 3], 'the results of five calls with max: 3')
      assertEqual(await store.get('list'), [3, 4, 5], 'the list')
      assertEqual(await store.append('list', 6), 4, 'append() without max')
      assertEqual(await store.append('list', 7, { max: 1 }), 1, 'append() with max: 1')
      assertEqual(await store.get('list'), [7], 'the list after max: 1')
    },
  },
  {
    id: 'steps/append-copies',
    name: 'append() stores the item as it was at the time of the call',
    fix: 'keep what commit() and perform() receive unchanged; the store has copied the item',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const item = { at: new Date(1), nested: { list: [1] } }
      const appended = [store.append('list', item), store.append('list', item)]
      item.at.setTime(2)
      item.nested.list.push(2)
      await Promise.all(appended)
      const copy = { at: new Date(1), nested: { list: [1] } }
      const read = (await store.get('list')) as (typeof item)[]
      assertEqual(read, [copy, { ...copy, at: new Date(1), nested: { list: [1] } }], 'the list')
      read[0]?.nested.list.push(3)
      assertEqual(await store.append('list', 'last'), 3, 'a third append()')
      assertEqual(((await store.get('list')) as unknown[])[0], copy, 'the first item afterwards')
    },
  },
  {
    id: 'steps/append-expiry',
    name: 'append() keeps the expiry, sets it with ttl, expires or null, and with onInsert only if the key is missing',
    fix: RUN_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const expires = backend.now + 60_000
      const options = { ttl: 60_000, onInsert: true, max: 2 }
      await store.append('list', 1, options)
      backend.advanceClock(10)
      await store.append('list', 2, options)
      await store.append('list', 3, { max: 2 })
      assertEqual(await store.record('list'), { value: [2, 3], expires }, 'the kept expiry')
      await store.append('list', 4, { ttl: 60_000, max: 1 })
      assertEqual(await store.record('list'), { value: [4], expires: expires + 10 }, 'with a ttl')
      await store.append('list', 5, { expires: null })
      assertEqual(await store.record('list'), { value: [4, 5] }, 'with expires of null')
    },
  },
  {
    id: 'steps/append-invalid',
    name: 'append() rejects with INVALID_VALUE for an invalid item or max and if the stored value is no list, and changes nothing',
    fix: RUN_STEP,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      for (const max of [0, -1, 1.5, Number.NaN, Infinity, '5', null] as number[]) {
        const what = `append() with max ${max}`
        await assertRejects(store.append('k', 1, { max }), 'INVALID_VALUE', what)
      }
      await assertRejects(
        store.append('k', () => 1),
        'INVALID_VALUE',
        'append() of a function',
      )
      assertEqual(await store.size(), 0, 'size() after invalid arguments')
      for (const value of ['text', 5, null, { length: 0 }, new Set([1]), new Uint8Array(1)]) {
        await store.set('k', value)
        const type = Object.prototype.toString.call(value)
        await assertRejects(store.append('k', 1), 'INVALID_VALUE', `append() to ${type}`)
        assertEqual(await store.record('k'), { value }, 'record() after the rejection')
      }
    },
  },
  {
    id: 'steps/append-concurrent',
    name: '30 concurrent append() calls from stores of 3 runtimes are all in the list, each once and in the order of its store',
    fix: 'check ifVersion and write in one atomic step of the backend; if the storage has perform(), run each step there on the current entry',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const stores = await backend.openIndependentStores(3)
      const lengths = await Promise.all(repeat(30, (i) => storeAt(stores, i).append('list', i)))
      const list = (await storeAt(stores, 0).get('list')) as number[]
      assertEqual(
        lengths.map((length) => list[length - 1]),
        repeat(30, (i) => i),
        'the items at the positions that append() resolved to',
      )
      for (let store = 0; store < 3; store++) {
        const own = list.filter((i) => i % 3 === store)
        const expected = repeat(10, (i) => i * 3 + store)
        assertEqual(own, expected, `the items of store ${store}`)
      }
    },
  },
  {
    id: 'sizes/append-too-large',
    name: 'append() rejects with TOO_LARGE if the item or the list with it is over maxValueBytes, and the list stays',
    fix: 'compare the size of the whole new value, as copyValue() measures it, with traits.maxValueBytes in perform()',
    exempt: ({ atomic, maxValueBytes }) =>
      maxValueBytes === Number.POSITIVE_INFINITY
        ? 'values have no limit'
        : exemptUnlessAtomic({ atomic }),
    run: async (backend) => {
      const store = await backend.openStore()
      const { maxValueBytes } = backend.traits
      const item = new Uint8Array(Math.floor(maxValueBytes * 0.4))
      await store.append('list', item)
      await store.append('list', item)
      await assertRejects(store.append('list', item), 'TOO_LARGE', 'append() beyond the limit')
      await assertRejects(
        store.append('list', new Uint8Array(maxValueBytes)),
        'TOO_LARGE',
        'append() of an item beyond the limit',
      )
      assertEqual(await store.get('list'), [item, item.slice()], 'the list')
      assertEqual(await store.append('list', item, { max: 1 }), 1, 'append() with max: 1')
      assertEqual(await store.get('list'), [item], 'the list after max: 1')
      await store.set('cut', [new Uint8Array(Math.floor(maxValueBytes * 0.9)), 1])
      const large = new Uint8Array(Math.floor(maxValueBytes * 0.7))
      assertEqual(await store.append('cut', large, { max: 2 }), 2, 'append() that cuts an item off')
      assertEqual(await store.get('cut'), [1, large], 'the list without the large item')
    },
  },
]
