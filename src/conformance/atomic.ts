import { deferred } from '../deferred.js'
import type { RuntimeOptions } from '../runtime.js'
import { check, collect, fail, rejects, same, sorted } from './check.js'
import { type AnyStore, entry, notAtomic, type Rule, type Subject } from './subject.js'

const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))
const plusOne = (n: unknown): number => ((n ?? 0) as number) + 1
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Stores of one namespace that know nothing of each other, as two requests' or two tabs' do. */
async function strangers(
  subject: Subject,
  count: number,
  options?: RuntimeOptions,
): Promise<AnyStore[]> {
  const namespace = subject.namespace()
  const separate = subject.traits.atomic === 'global' || subject.traits.atomic === 'origin'
  const stores: AnyStore[] = []
  for (let i = 0; i < count; i++) {
    const plugin = separate ? await subject.restarted() : subject.plugin
    stores.push(await subject.runtime(options, plugin).open(namespace))
  }
  return stores
}

function pick(stores: readonly AnyStore[], i: number): AnyStore {
  return stores[i % stores.length] ?? fail('no store')
}

async function only(subject: Subject): Promise<AnyStore> {
  const [store] = await strangers(subject, 1)
  return store ?? fail('no store')
}

/** Atomic steps: nothing that resolved is lost, and nothing happens by halves. */
export const ATOMIC: readonly Rule[] = [
  {
    id: 'atomic/updates-in-one-store',
    name: '100 concurrent updates of one key in one store lose nothing',
    exempt: notAtomic,
    run: async (subject) => {
      const store = await only(subject)
      await Promise.all(times(100, () => store.update('n', plusOne)))
      same(await store.get('n'), 100)
    },
  },
  {
    id: 'atomic/updates-async',
    name: '100 concurrent updates with async functions lose nothing',
    exempt: notAtomic,
    run: async (subject) => {
      const store = await only(subject)
      await Promise.all(times(100, () => store.update('n', async (n) => plusOne(n))))
      same(await store.get('n'), 100)
    },
  },
  {
    id: 'atomic/updates-slow',
    name: '25 concurrent updates whose functions wait for a timer lose nothing',
    exempt: notAtomic,
    run: async (subject) => {
      const store = await only(subject)
      await Promise.all(times(25, () => store.update('n', (n) => pause(1).then(() => plusOne(n)))))
      same(await store.get('n'), 25)
    },
  },
  {
    id: 'atomic/updates-among-strangers',
    name: '100 concurrent updates through 10 runtimes that know nothing of each other lose nothing',
    exempt: notAtomic,
    run: async (subject) => {
      const stores = await strangers(subject, 10)
      await Promise.all(times(100, (i) => pick(stores, i).update('n', plusOne)))
      same(await pick(stores, 0).get('n'), 100)
    },
  },
  {
    id: 'atomic/mutable-among-strangers',
    name: '40 concurrent mutables through 4 runtimes keep every change',
    exempt: notAtomic,
    run: async (subject) => {
      const stores = await strangers(subject, 4)
      await Promise.all(
        times(40, (i) => pick(stores, i).mutable('list', (list) => (list as number[]).push(i), [])),
      )
      same(
        ((await pick(stores, 0).get('list')) as number[]).toSorted((a, b) => a - b),
        times(40, (i) => i),
        'the list',
      )
    },
  },
  {
    id: 'atomic/set-among-updates',
    name: 'a blind set that races updates is ordered with them, never half-lost',
    exempt: notAtomic,
    run: async (subject) => {
      const [one, two] = (await strangers(subject, 2)) as [AnyStore, AnyStore]
      const results = await Promise.all([
        ...times(20, (i) => (i % 2 ? one : two).update('n', plusOne)),
        two.set('n', 1000),
        ...times(20, (i) => (i % 2 ? one : two).update('n', plusOne)),
      ])
      const last = (await one.get('n')) as number
      const after = results.filter((n) => typeof n === 'number' && n > 1000).length
      same(last, 1000 + after, 'the count of the set and of all that came after it')
      let runs = 0
      await one.update('n', async (n) => {
        if (++runs === 1) await two.set('n', 5000)
        return plusOne(n)
      })
      same(await one.get('n'), 5001)
    },
  },
  {
    id: 'atomic/delete-and-recreate',
    name: 'a key that was deleted and made again with an equal value counts as changed',
    exempt: notAtomic,
    run: async (subject) => {
      const [one, two] = (await strangers(subject, 2)) as [AnyStore, AnyStore]
      await one.set('k', 'same')
      let runs = 0
      await one.update('k', async (value) => {
        if (++runs === 1) {
          await two.delete('k')
          await two.set('k', 'same')
        }
        return `${String(value)} again`
      })
      same(runs, 2, 'how often the function ran')
      same(await one.get('k'), 'same again')
    },
  },
  {
    id: 'atomic/created-meanwhile',
    name: 'a key that appears while an update decides on its absence counts as changed',
    exempt: notAtomic,
    run: async (subject) => {
      const [one, two] = (await strangers(subject, 2)) as [AnyStore, AnyStore]
      const seen: unknown[] = []
      await one.update('k', async (value) => {
        if (seen.push(value) === 1) await two.set('k', 1)
        return plusOne(value)
      })
      same(seen, [undefined, 1], 'what the function saw')
      same(await one.get('k'), 2)
    },
  },
  {
    id: 'atomic/throws',
    name: 'when the function throws, its own error comes out and nothing is stored',
    exempt: notAtomic,
    run: async (subject) => {
      const store = await only(subject)
      await store.set('k', { list: [1] })
      const own = new TypeError('mine')
      const spoil = (value: unknown): never => {
        ;(value as { list: number[] }).list.push(2)
        throw own
      }
      const steps = [
        () => store.update('k', spoil),
        () => store.mutable('k', spoil),
        () => store.update('k', async (v) => spoil(v)),
        () => store.mutable('k', (v) => pause(1).then(() => spoil(v))),
      ]
      for (const step of steps) {
        const error: unknown = await step().then(
          () => undefined,
          (reason: unknown) => reason,
        )
        check(error === own, `the function's own error must come out; it was ${String(error)}`)
      }
      same(await store.get('k'), { list: [1] })
      await rejects(
        store.update('k', () => ({ f: () => 1 })),
        'INVALID_VALUE',
        'an update to a function',
      )
      same(await store.get('k'), { list: [1] })
      same(await store.update('k', () => 'works on'), 'works on')
    },
  },
  {
    id: 'atomic/update-results',
    name: 'update stores what the function returns, removes on undefined, and resolves to a copy of what is stored',
    exempt: notAtomic,
    run: async (subject) => {
      const store = await only(subject)
      same(await store.update('k', (value) => value), undefined)
      check(!(await store.has('k')), 'undefined for a missing key stores nothing')
      const next = { list: [1] }
      const stored = (await store.update('k', () => next)) as { list: number[] }
      same(stored, { list: [1] })
      next.list.push(2)
      stored.list.push(3)
      same(await store.get('k'), { list: [1] })
      same(await store.update('k', () => null), null)
      same(await store.get('k'), null)
      same(await store.update('k', () => undefined), undefined)
      check(!(await store.has('k')), 'undefined removes the key')
    },
  },
  {
    id: 'atomic/mutable-results',
    name: 'mutable stores the draft, ignores what the function returns, and needs an initial to start from nothing',
    exempt: notAtomic,
    run: async (subject) => {
      const store = await only(subject)
      same(
        await store.mutable('k', (draft) =>
          check(draft === undefined, 'a missing key is undefined'),
        ),
        undefined,
      )
      check(!(await store.has('k')), 'nothing is stored without an initial')
      const initial = [0]
      same(await store.mutable('k', (list) => (list as number[]).push(1), initial), [0, 1])
      same(await store.mutable('k', (list) => (list as number[]).push(2), initial), [0, 1, 2])
      same(initial, [0], 'the initial, which is never changed')
      same(
        await store.mutable('k', async (list) => (list as number[]).length === 3 && 'ignored'),
        [0, 1, 2],
      )
      same(await store.get('k'), [0, 1, 2])
      await rejects(
        store.mutable('k', (list) => (list as unknown[]).push(() => 1)),
        'INVALID_VALUE',
        'a draft with a function',
      )
      same(await store.get('k'), [0, 1, 2])
    },
  },
  {
    id: 'atomic/get-or-insert',
    name: 'of 20 concurrent getOrInserts one inserts, and all get its value',
    exempt: notAtomic,
    run: async (subject) => {
      const stores = await strangers(subject, 4)
      const got = await Promise.all(times(20, (i) => pick(stores, i).getOrInsert('k', { by: i })))
      for (const value of got) same(value, await pick(stores, 0).get('k'), 'what one of them got')
      await pick(stores, 0).set('k', null)
      same(await pick(stores, 1).getOrInsert('k', 'new'), null, 'a stored null')
    },
  },
  {
    id: 'atomic/pop',
    name: 'of 20 concurrent pops one gets the value, and the key is gone',
    exempt: notAtomic,
    run: async (subject) => {
      const stores = await strangers(subject, 4)
      await pick(stores, 0).set('k', 'prize')
      const got = await Promise.all(times(20, (i) => pick(stores, i).pop('k')))
      same(
        got.filter((value) => value !== undefined),
        ['prize'],
        'what the pops got',
      )
      check(!(await pick(stores, 0).has('k')), 'the key must be gone')
    },
  },
  {
    id: 'atomic/set-many',
    name: 'setMany stores all or nothing, from an object, a Map or pairs, and the last of a key wins',
    exempt: notAtomic,
    run: async (subject) => {
      const store = await only(subject)
      await store.setMany({ a: 1, b: [2] })
      await store.setMany(new Map([['c', 3]]))
      await store.setMany([
        ['d', 4],
        ['a', 0],
        ['a', 5],
      ])
      await store.setMany([])
      same(
        new Map((await collect(store)).toSorted(byKey)),
        new Map<string, unknown>([
          ['a', 5],
          ['b', [2]],
          ['c', 3],
          ['d', 4],
        ]),
        'what is stored',
      )
      await rejects(
        store.setMany({ a: 'new', z: () => 1 }),
        'INVALID_VALUE',
        'a group with a function',
      )
      await rejects(
        store.setMany([
          ['a', 'new'],
          ['\ud800', 1],
        ]),
        'INVALID_KEY',
        'a group with a bad key',
      )
      await rejects(store.setMany(null as never), 'INVALID_VALUE', 'no group')
      await rejects(store.setMany('ab' as never), 'INVALID_VALUE', 'a string')
      same(await store.get('a'), 5)
      same(await store.size(), 4, 'the number of keys')
    },
  },
  {
    id: 'atomic/set-many-seen-whole',
    name: 'whoever reads the keys in one call sees a setMany whole or not at all',
    exempt: notAtomic,
    run: async (subject) => {
      const writer = await only(subject)
      const reader = await subject.storage(writer.namespace)
      const progress = { rounds: 0 }
      const written = (async () => {
        for (; progress.rounds < 20; progress.rounds++) {
          const i = progress.rounds
          await writer.setMany({ a: i, b: i, c: i })
        }
      })()
      const mixed: string[] = []
      while (progress.rounds < 20) {
        const found = [...(await reader.getMany(['a', 'b', 'c'])).values()].map(
          ({ value }) => value,
        )
        if (new Set(found).size > 1 || found.length % 3) mixed.push(found.join())
      }
      await written
      same(mixed, [], 'what shows parts of two groups')
    },
  },
  {
    id: 'atomic/nested',
    name: 'a function that writes its own key is a CONFLICT and no deadlock; another key it may write',
    exempt: notAtomic,
    run: async (subject) => {
      const store = await only(subject)
      await store.set('k', 1)
      await rejects(
        store.update('k', async () => {
          await store.set('k', 5)
          return 2
        }),
        'CONFLICT',
        'a set of the same key inside update',
      )
      await rejects(
        store.update('k', async () => {
          void store.update('other', plusOne)
          await store.set('k', 5)
        }),
        'CONFLICT',
        'a set of the same key after an update of another',
      )
      await rejects(
        store.mutable('k', () => store.update('k', plusOne)),
        'CONFLICT',
        'an update inside mutable',
      )
      same(await store.get('k'), 1)
      same(
        await store.update('k', async (n) => {
          await store.set('other', n)
          return plusOne(await store.get('k'))
        }),
        2,
      )
      same(await store.get('other'), 1)
    },
  },
  {
    id: 'atomic/reads-do-not-wait',
    name: 'a read does not wait for an update whose function is still running, and sees the old value',
    exempt: notAtomic,
    run: async (subject) => {
      const store = await only(subject)
      await store.set('k', 'old')
      const { promise: gate, resolve: open } = deferred()
      const { promise: started, resolve: start } = deferred()
      const updated = store.update('k', async () => {
        start()
        await gate
        return 'new'
      })
      await started
      same(await store.get('k'), 'old')
      open()
      same(await updated, 'new')
    },
  },
  {
    id: 'atomic/refused',
    name: 'where nothing can be atomic, the five methods are NOT_ATOMIC and store nothing',
    exempt: ({ atomic }) => (atomic === 'none' ? undefined : 'the backend has conditional writes'),
    run: async (subject) => {
      const store = await subject.store()
      await store.set('k', 1)
      await rejects(store.update('k', plusOne), 'NOT_ATOMIC', 'update')
      await rejects(
        store.mutable('k', () => {}),
        'NOT_ATOMIC',
        'mutable',
      )
      await rejects(store.getOrInsert('k', 2), 'NOT_ATOMIC', 'getOrInsert')
      await rejects(store.pop('k'), 'NOT_ATOMIC', 'pop')
      const { message } = await rejects(store.setMany({ a: 1 }), 'NOT_ATOMIC', 'setMany')
      check(message.includes('allowLostUpdates'), `the message must say what to do: ${message}`)
      same(new Map(await collect(store)), new Map([['k', 1]]), 'what is stored')
    },
  },
  {
    id: 'atomic/allowed-to-lose',
    name: 'with allowLostUpdates the five methods work, one after another',
    run: async (subject) => {
      const store = await subject.store({ allowLostUpdates: true })
      same(await store.update('n', plusOne), 1)
      same(await store.update('n', async (n) => plusOne(n)), 2)
      same(await store.mutable('list', (list) => (list as number[]).push(1), []), [1])
      same(await store.getOrInsert('n', 7), 2)
      await store.setMany({ a: 1, b: 2 })
      same(await store.pop('a'), 1)
      same(sorted(await collect(store.keys())), ['b', 'list', 'n'], 'the keys')
    },
  },
  {
    id: 'order/same-key',
    name: 'un-awaited calls on one key take effect in the order they were made',
    run: async (subject) => {
      const store = await subject.store()
      const results = [
        store.set('k', 1),
        store.get('k'),
        store.set('k', 2),
        store.get('k'),
        store.delete('k'),
        store.has('k'),
        store.set('k', 3),
        store.get('k'),
      ]
      same(
        await Promise.all(results),
        [undefined, 1, undefined, 2, undefined, false, undefined, 3],
        'the results',
      )
    },
  },
  {
    id: 'order/clear',
    name: 'clear takes effect after the writes before it and ahead of those after it',
    run: async (subject) => {
      const store = await subject.store()
      await Promise.all([
        store.set('a', 1),
        store.set('b', 1),
        store.clear(),
        store.set('b', 2),
        store.set('c', 2),
      ])
      same(sorted(await collect(store.keys())), ['b', 'c'], 'the keys')
      same(await store.get('b'), 2)
    },
  },
  {
    id: 'order/one-bad-call',
    name: 'a call that is refused rejects its own promise and no other',
    run: async (subject) => {
      const store = await subject.store()
      const results = await Promise.allSettled([
        store.set('a', 1),
        store.set('a', () => 1),
        store.set('\udc00', 1),
        store.set('b', 2),
      ])
      same(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
        'the results',
      )
      same(sorted(await collect(store.keys())), ['a', 'b'], 'the keys')
      same(await store.get('a'), 1)
    },
  },
  {
    id: 'order/delete-while-listing',
    name: 'keys may be deleted and set while they are listed; each that stays is listed once',
    run: async (subject) => {
      const store = await subject.store()
      const keys = times(30, (i) => `k${i}`)
      for (const key of keys) await store.set(key, 1)
      const listed: string[] = []
      for await (const key of store.keys()) {
        listed.push(key)
        await (listed.length % 2 ? store.delete(key) : store.set(key, 2))
      }
      same(sorted(listed), sorted(keys), 'the keys listed')
      same(await store.size(), 15, 'the number of keys left')
    },
  },
  {
    id: 'order/write-while-listing',
    name: 'a listing ends and lists no key twice, though each is deleted and set again, and others come',
    run: async (subject) => {
      const store = await subject.store()
      for (const key of ['a', 'b', 'c']) await store.set(key, 1)
      const listed: string[] = []
      for await (const key of store.keys()) {
        check(listed.push(key) < 100, 'the listing does not end')
        await store.delete(key)
        await store.set(key, 2)
      }
      same(sorted(listed), ['a', 'b', 'c'], 'the keys listed')
      let count = 0
      for await (const [key] of store.entries()) {
        check(++count < 100, 'the listing does not end')
        if (count <= 3) await store.set(`${key}+`, 1)
      }
      check(count >= 3, 'every key that stays is listed')
    },
  },
  {
    id: 'order/stranger-reads',
    name: 'what one runtime wrote, another reads',
    exempt: ({ consistency }) =>
      consistency === 'strong' ? undefined : 'reads may be older than writes',
    run: async (subject) => {
      const [one, two] = (await strangers(subject, 2)) as [AnyStore, AnyStore]
      for (let i = 0; i < 10; i++) {
        await one.set('k', i)
        same(await two.get('k'), i)
      }
      const storage = await subject.storage(one.namespace)
      await storage.set('direct', entry('x'))
      same(await one.get('direct'), 'x')
    },
  },
]

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}
