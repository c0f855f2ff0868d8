import { assert, collect, assertRejects, assertEqual, sortKeys } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './test-backend.ts'

/** Time to live: exact on every backend, against the runtime's own clock. */
export const EXPIRY_RULES: readonly Rule[] = [
  {
    id: 'ttl/absent',
    name: 'an expired key is absent from get, has, keys, values, entries and size',
    run: async (subject) => {
      const store = await subject.store()
      await store.set('stays', 1)
      await store.set('goes', 2, { ttl: 90_000 })
      await store.set('later', 3, { ttl: 90_001 })
      subject.time += 89_999
      assertEqual(await store.get('goes'), 2)
      assertEqual(await store.size(), 3, 'the number of keys')
      subject.time += 1
      assertEqual(await store.get('goes'), undefined)
      assert(!(await store.has('goes')), 'has must not find an expired key')
      assertEqual(sortKeys(await collect(store.keys())), ['later', 'stays'], 'the keys')
      assertEqual(
        new Set(await collect(store.values())).has(2),
        false,
        'an expired value among the values',
      )
      assertEqual(
        sortKeys((await collect(store.entries())).map(([key]) => key)),
        ['later', 'stays'],
        'the entries',
      )
      assertEqual(await store.size(), 2, 'the number of keys')
      assertEqual(await collect(store.keys({ prefix: 'go' })), [], 'the keys with a prefix')
    },
  },
  {
    id: 'ttl/set-clears',
    name: 'a plain set clears an expiry, and a set with one gives it anew',
    run: async (subject) => {
      const store = await subject.store()
      await store.set('plain', 1, { ttl: 90_000 })
      await store.set('plain', 2)
      await store.set('longer', 1, { ttl: 90_000 })
      await store.set('longer', 2, { ttl: 180_000 })
      subject.time += 100_000
      assertEqual(await store.get('plain'), 2)
      assertEqual(await store.get('longer'), 2)
      subject.time += 100_000
      assertEqual(await store.get('plain'), 2)
      assertEqual(await store.get('longer'), undefined)
      assertEqual(await store.size(), 1, 'the number of keys')
    },
  },
  {
    id: 'ttl/steps-keep',
    name: 'update and mutable keep an expiry',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await subject.store()
      await store.set('u', 1, { ttl: 90_000 })
      await store.set('m', [1], { ttl: 90_000 })
      await store.update('u', (n) => (n as number) + 1)
      await store.mutable('m', (list) => (list as number[]).push(2))
      assertEqual(await store.get('u'), 2)
      assertEqual(await store.get('m'), [1, 2])
      subject.time += 90_000
      assertEqual(await store.get('u'), undefined)
      assertEqual(await store.get('m'), undefined)
    },
  },
  {
    id: 'ttl/steps-start-anew',
    name: 'to update, mutable, getOrInsert and pop an expired key is a missing one',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await subject.store()
      for (const key of ['u', 'm', 'g', 'p', 'r']) await store.set(key, 'old', { ttl: 90_000 })
      subject.time += 90_000
      assertEqual(await store.update('u', (n) => (n === undefined ? 'new' : 'seen')), 'new')
      assertEqual(await store.mutable('m', (list) => (list as string[]).push('new'), []), ['new'])
      assertEqual(await store.getOrInsert('g', 'new'), 'new')
      assertEqual(await store.pop('p'), undefined)
      assertEqual(await store.update('r', () => undefined), undefined)
      subject.time += 10_000_000
      assertEqual(
        sortKeys(await collect(store.keys())),
        ['g', 'm', 'u'],
        'the keys, without the old expiry',
      )
    },
  },
  {
    id: 'ttl/expires-during-step',
    name: 'an expiry that passes while a function decides is kept too',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await subject.store()
      await store.set('k', 'secret', { ttl: 90_000 })
      await store.update('k', async (value) => {
        subject.time += 90_000
        return value
      })
      assertEqual(await store.get('k'), undefined)
      assertEqual(await store.size(), 0, 'the number of keys')
    },
  },
  {
    id: 'ttl/many',
    name: 'setMany gives each of its keys the expiry',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await subject.store()
      await store.setMany({ a: 1, b: 2 }, { ttl: 90_000 })
      assertEqual(await store.size(), 2, 'the number of keys')
      subject.time += 90_000
      assertEqual(await store.size(), 0, 'the number of keys')
    },
  },
  {
    id: 'ttl/expires',
    name: 'a value is stored until a given time, and record and records tell it',
    run: async (subject) => {
      const store = await subject.store()
      const expires = subject.time + 90_000
      await store.set('until', 1, { expires })
      await store.set('for', 2, { ttl: 90_001 })
      await store.set('stays', 3)
      await store.set('past', 4, { expires: subject.time })
      assertEqual(await store.record('until'), { value: 1, expires })
      assertEqual(await store.record('stays'), { value: 3 })
      assertEqual(await store.record('past'), undefined)
      const records = new Map(await collect(store.records()))
      assertEqual(sortKeys(records.keys()), ['for', 'stays', 'until'], 'the keys of the records')
      assertEqual(records.get('until'), { value: 1, expires }, 'a record')
      assertEqual(records.get('for'), { value: 2, expires: expires + 1 }, 'a record')
      assertEqual(records.get('stays'), { value: 3 }, 'a record')
      assertEqual(await collect(store.records({ prefix: 'u' })), [['until', { value: 1, expires }]])
      subject.time += 90_000
      assertEqual(await store.record('until'), undefined)
      assertEqual(sortKeys(await collect(store.keys())), ['for', 'stays'], 'the keys')
    },
  },
  {
    id: 'ttl/each-its-own',
    name: 'setMany gives a pair the expiry that it names, and the others the common one',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const store = await subject.store()
      const expires = subject.time + 180_000
      await store.setMany(
        [
          ['own', 1, { expires }],
          ['none', 2, {}],
          ['common', 3],
        ],
        { ttl: 90_000 },
      )
      assertEqual(await store.record('own'), { value: 1, expires })
      subject.time += 90_000
      assertEqual(sortKeys(await collect(store.keys())), ['none', 'own'], 'the keys')
      subject.time += 90_000
      assertEqual(await collect(store.keys()), ['none'], 'the keys')
    },
  },
  {
    id: 'ttl/invalid',
    name: 'a ttl that is no positive number of milliseconds is INVALID_VALUE',
    run: async (subject) => {
      const store = await subject.store()
      for (const ttl of [0, -1, Number.NaN, Infinity, '5', null, new Date()] as number[]) {
        await assertRejects(store.set('k', 1, { ttl }), 'INVALID_VALUE', `a ttl of ${ttl}`)
      }
      assertEqual(await store.size(), 0, 'the number of keys')
    },
  },
  {
    id: 'ttl/expires-invalid',
    name: 'an expires that is no time, one beside a ttl, and options that are no plain object are INVALID_VALUE',
    run: async (subject) => {
      const store = await subject.store()
      for (const expires of [Number.NaN, Infinity, '5', null, new Date()] as number[]) {
        await assertRejects(store.set('k', 1, { expires }), 'INVALID_VALUE', `expires: ${expires}`)
      }
      await assertRejects(store.set('k', 1, { ttl: 1, expires: 1 }), 'INVALID_VALUE', 'both')
      for (const options of [null, 5, '', [], new Date(), new Map(), () => 1] as object[]) {
        const what = `the options ${Object.prototype.toString.call(options)}`
        await assertRejects(store.set('k', 1, options), 'INVALID_VALUE', what)
        if (subject.traits.atomic === 'none') continue
        await assertRejects(store.setMany({ k: 1 }, options), 'INVALID_VALUE', what)
        const pairs = [['j', 1] as const, ['k', 1, options] as const]
        await assertRejects(store.setMany(pairs), 'INVALID_VALUE', `${what} of a pair`)
      }
      assertEqual(await store.size(), 0, 'the number of keys')
      await store.set('k', 1, undefined)
      assertEqual(await store.record('k'), { value: 1 })
    },
  },
]
