import { assert, assertEqual, assertRejects, collect, sortKeys } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'

const STORE_COMPARES =
  'return `expires` with every entry, exactly as it was written; the store compares it with the clock'

/** Expiry: exact on every backend, by the clock of the runtime. */
export const EXPIRY_RULES: readonly Rule[] = [
  {
    id: 'expiry/expired-key-is-absent',
    name: 'an expired key is absent from get(), has(), keys(), values(), entries() and size()',
    fix: STORE_COMPARES,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('stays', 1)
      await store.set('expires', 2, { ttl: 90_000 })
      await store.set('later', 3, { ttl: 90_001 })
      backend.advanceClock(89_999)
      assertEqual(await store.get('expires'), 2, 'get() a millisecond before the expiry')
      assertEqual(await store.size(), 3, 'size() a millisecond before the expiry')
      backend.advanceClock(1)
      assertEqual(await store.get('expires'), undefined, 'get() at the expiry')
      assertEqual(await store.has('expires'), false, 'has() at the expiry')
      assertEqual(sortKeys(await collect(store.keys())), ['later', 'stays'], 'keys() at the expiry')
      assert(
        !(await collect(store.values())).includes(2),
        'values() at the expiry: expected no expired value; received one',
      )
      assertEqual(
        sortKeys((await collect(store.entries())).map(([key]) => key)),
        ['later', 'stays'],
        'the keys of entries() at the expiry',
      )
      assertEqual(await store.size(), 2, 'size() at the expiry')
      assertEqual(
        await collect(store.keys({ prefix: 'ex' })),
        [],
        'keys() with a prefix at the expiry',
      )
    },
  },
  {
    id: 'expiry/set-replaces-expiry',
    name: 'set() without a ttl removes an expiry, and set() with a ttl replaces it',
    fix: 'overwrite the stored expiry with each entry; remove it if the entry has no `expires`',
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('plain', 1, { ttl: 90_000 })
      await store.set('plain', 2)
      await store.set('longer', 1, { ttl: 90_000 })
      await store.set('longer', 2, { ttl: 180_000 })
      backend.advanceClock(100_000)
      assertEqual(await store.get('plain'), 2, 'the value set without a ttl')
      assertEqual(await store.get('longer'), 2, 'the value after its first expiry')
      backend.advanceClock(100_000)
      assertEqual(await store.get('plain'), 2, 'the value set without a ttl')
      assertEqual(await store.get('longer'), undefined, 'the value after its second expiry')
      assertEqual(await store.size(), 1, 'size()')
    },
  },
  {
    id: 'expiry/update-keeps-expiry',
    name: 'update() and mutable() keep the expiry of the entry',
    fix: STORE_COMPARES,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('u', 1, { ttl: 90_000 })
      await store.set('m', [1], { ttl: 90_000 })
      await store.update('u', (n) => (n as number) + 1)
      await store.mutable('m', (list) => (list as number[]).push(2))
      assertEqual(await store.get('u'), 2, 'the value after update()')
      assertEqual(await store.get('m'), [1, 2], 'the value after mutable()')
      backend.advanceClock(90_000)
      assertEqual(await store.get('u'), undefined, 'the updated value after its expiry')
      assertEqual(await store.get('m'), undefined, 'the mutated value after its expiry')
    },
  },
  {
    id: 'expiry/update-treats-expired-as-missing',
    name: 'update(), mutable(), getOrInsert() and pop() treat an expired key as missing',
    fix: STORE_COMPARES,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      for (const key of ['u', 'm', 'g', 'p', 'r']) await store.set(key, 'old', { ttl: 90_000 })
      backend.advanceClock(90_000)
      assertEqual(
        await store.update('u', (n) => (n === undefined ? 'new' : 'expired value seen')),
        'new',
        'update() of an expired key',
      )
      assertEqual(
        await store.mutable('m', (list) => (list as string[]).push('new'), []),
        ['new'],
        'mutable() of an expired key',
      )
      assertEqual(await store.getOrInsert('g', 'new'), 'new', 'getOrInsert() of an expired key')
      assertEqual(await store.pop('p'), undefined, 'pop() of an expired key')
      assertEqual(await store.update('r', () => undefined), undefined, 'update() to undefined')
      backend.advanceClock(10_000_000)
      assertEqual(
        sortKeys(await collect(store.keys())),
        ['g', 'm', 'u'],
        'keys() of the new entries, which have no expiry',
      )
    },
  },
  {
    id: 'expiry/expires-during-update',
    name: 'an expiry that passes while an updater runs is kept',
    fix: STORE_COMPARES,
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('k', 'secret', { ttl: 90_000 })
      await store.update('k', async (value) => {
        backend.advanceClock(90_000)
        return value
      })
      assertEqual(await store.get('k'), undefined, 'get() after the expiry')
      assertEqual(await store.size(), 0, 'size() after the expiry')
    },
  },
  {
    id: 'expiry/set-many',
    name: 'setMany() gives every key the expiry of its options',
    fix: 'store the expiry of every entry of a group',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      await store.setMany({ a: 1, b: 2 }, { ttl: 90_000 })
      assertEqual(await store.size(), 2, 'size() before the expiry')
      backend.advanceClock(90_000)
      assertEqual(await store.size(), 0, 'size() at the expiry')
    },
  },
  {
    id: 'expiry/expires-option',
    name: 'the `expires` option stores a value until that time, and record() and records() return it',
    fix: 'store `expires` in milliseconds, without rounding, and return it from get(), getMany() and entries()',
    run: async (backend) => {
      const store = await backend.openStore()
      const expires = backend.now + 90_000
      await store.set('until', 1, { expires })
      await store.set('ttl', 2, { ttl: 90_001 })
      await store.set('stays', 3)
      await store.set('past', 4, { expires: backend.now })
      assertEqual(await store.record('until'), { value: 1, expires }, 'record() with an expiry')
      assertEqual(await store.record('stays'), { value: 3 }, 'record() without an expiry')
      assertEqual(await store.record('past'), undefined, 'record() of an expired key')
      const records = new Map(await collect(store.records()))
      assertEqual(sortKeys(records.keys()), ['stays', 'ttl', 'until'], 'the keys of records()')
      assertEqual(records.get('until'), { value: 1, expires }, 'a record set with `expires`')
      assertEqual(records.get('ttl'), { value: 2, expires: expires + 1 }, 'a record set with a ttl')
      assertEqual(records.get('stays'), { value: 3 }, 'a record without an expiry')
      assertEqual(
        await collect(store.records({ prefix: 'u' })),
        [['until', { value: 1, expires }]],
        'records() with a prefix',
      )
      backend.advanceClock(90_000)
      assertEqual(await store.record('until'), undefined, 'record() at the expiry')
      assertEqual(sortKeys(await collect(store.keys())), ['stays', 'ttl'], 'keys() at the expiry')
    },
  },
  {
    id: 'expiry/set-many-per-entry',
    name: "setMany() prefers an entry's own options to the common ones",
    fix: 'store the expiry of each entry of a group, not that of the first',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const store = await backend.openStore()
      const expires = backend.now + 180_000
      await store.setMany(
        [
          ['own', 1, { expires }],
          ['none', 2, {}],
          ['common', 3],
        ],
        { ttl: 90_000 },
      )
      assertEqual(await store.record('own'), { value: 1, expires }, 'the record of the own expiry')
      backend.advanceClock(90_000)
      assertEqual(
        sortKeys(await collect(store.keys())),
        ['none', 'own'],
        'keys() at the common expiry',
      )
      backend.advanceClock(90_000)
      assertEqual(await collect(store.keys()), ['none'], 'keys() at the own expiry')
    },
  },
  {
    id: 'expiry/invalid-ttl',
    name: 'a ttl that is not a positive finite number of milliseconds rejects with INVALID_VALUE',
    fix: 'check that a new namespace has no keys; the store validates options before it calls the storage',
    run: async (backend) => {
      const store = await backend.openStore()
      for (const ttl of [0, -1, Number.NaN, Infinity, '5', null, new Date()] as number[])
        await assertRejects(store.set('k', 1, { ttl }), 'INVALID_VALUE', `set() with ttl ${ttl}`)
      assertEqual(await store.size(), 0, 'size()')
    },
  },
  {
    id: 'expiry/invalid-options',
    name: 'an invalid `expires`, `expires` beside `ttl`, and options that are not a plain object reject with INVALID_VALUE',
    fix: 'check that a new namespace has no keys; the store validates options before it calls the storage',
    run: async (backend) => {
      const store = await backend.openStore()
      for (const expires of [Number.NaN, Infinity, '5', new Date()] as number[]) {
        const what = `set() with expires ${expires}`
        await assertRejects(store.set('k', 1, { expires }), 'INVALID_VALUE', what)
      }
      await assertRejects(
        store.set('k', 1, { ttl: 1, expires: 1 }),
        'INVALID_VALUE',
        'set() with ttl and expires',
      )
      for (const options of [null, 5, '', [], new Date(), new Map(), () => 1] as object[]) {
        const type = Object.prototype.toString.call(options)
        await assertRejects(
          store.set('k', 1, options),
          'INVALID_VALUE',
          `set() with options ${type}`,
        )
        if (backend.traits.atomic === 'none') continue
        await assertRejects(
          store.setMany({ k: 1 }, options),
          'INVALID_VALUE',
          `setMany() with options ${type}`,
        )
        const entries = [['j', 1] as const, ['k', 1, options] as const]
        await assertRejects(
          store.setMany(entries),
          'INVALID_VALUE',
          `setMany() with options ${type} of an entry`,
        )
      }
      assertEqual(await store.size(), 0, 'size()')
      await store.set('k', 1, undefined)
      assertEqual(await store.record('k'), { value: 1 }, 'record() after options of undefined')
    },
  },
]
