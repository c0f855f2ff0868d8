import { isStoreError } from '../errors.ts'
import type { Change, Outcome, StorageBase, Traits } from '../storage.ts'
import { assert, collect, assertEqual, sortKeys } from './assertions.ts'
import { entry, exemptUnlessAtomic, type Rule, set, remove } from './test-backend.ts'

/** Groups of changes, their conditions and their outcomes. */
export const COMMIT_RULES: readonly Rule[] = [
  {
    id: 'contract/groups-independent',
    name: 'each group has its own outcome, in order, and one that fails leaves the others be',
    run: async (subject) => {
      const storage = await subject.storage()
      await storage.set('k', entry(0, 'v0'))
      const conditional = subject.traits.atomic === 'none' ? [] : [[set('k', entry(9), 'never')]]
      const outcomes = await storage.commit([
        [set('a', entry(1))],
        ...conditional,
        [remove('nothing')],
        [set('b', entry(2))],
      ])
      const expected =
        subject.traits.atomic === 'none'
          ? ['applied', 'applied', 'applied']
          : ['applied', 'conflict', 'applied', 'applied']
      assertEqual(outcomes, expected, 'the outcomes')
      assertEqual(
        sortKeys((await storage.getMany(['a', 'b', 'k'])).keys()),
        ['a', 'b', 'k'],
        'the keys',
      )
    },
  },
  {
    id: 'contract/conditions',
    name: 'ifVersion holds a write to the version that was read, and null to no entry; NOT_ATOMIC where it cannot',
    run: async (subject) => {
      const storage = await subject.storage()
      if (subject.traits.atomic === 'none') {
        const [outcome] = await storage.commit([[set('k', entry(1), null)]])
        assert(
          isStoreError(outcome) && outcome.code === 'NOT_ATOMIC',
          'a condition must be answered with NOT_ATOMIC',
        )
        return assertEqual(await storage.get('k'), undefined)
      }
      await holds(storage, 'applied', set('k', entry('first', 'v1'), null))
      await holds(storage, 'conflict', set('k', entry('again', 'v2'), null))
      await holds(storage, 'conflict', set('k', entry('again', 'v2'), 'v0'))
      assertEqual((await storage.get('k'))?.value, 'first')
      await holds(storage, 'applied', set('k', entry('second', 'v2'), 'v1'))
      await holds(storage, 'conflict', remove('k', 'v1'))
      await holds(storage, 'applied', remove('k', 'v2'))
      await holds(storage, 'conflict', set('k', entry('late', 'v3'), 'v2'))
      await holds(storage, 'applied', set('k', entry('anew', 'v4'), null))
      assertEqual((await storage.get('k'))?.value, 'anew')
    },
  },
  {
    id: 'contract/group-whole',
    name: 'a group whose one condition fails changes nothing, wherever the condition stands',
    exempt: exemptUnlessAtomic,
    run: async (subject) => {
      const storage = await subject.storage()
      await storage.set('k', entry('old', 'v1'))
      await holds(
        storage,
        'conflict',
        set('a', entry(1)),
        set('k', entry('new'), 'v0'),
        set('z', entry(2)),
      )
      await holds(storage, 'conflict', remove('k'), set('z', entry(2)), set('y', entry(3), 'v0'))
      assertEqual(
        new Map(await collect(storage.entries())),
        new Map([['k', { value: 'old', version: 'v1' }]]),
        'what is stored',
      )
      await holds(
        storage,
        'applied',
        set('a', entry(1)),
        set('k', entry('new', 'v2'), 'v1'),
        remove('nothing'),
      )
      assertEqual(sortKeys(await collect(storage.keys())), ['a', 'k'], 'the keys')
    },
  },
  {
    id: 'contract/transact',
    name: 'transact shows what is stored and applies what is decided, in one step',
    run: async (subject) => {
      const storage = await subject.storage()
      if (storage.transact === undefined) return 'the storage offers no transact'
      await storage.set('k', entry(1, 'v1'))
      const step = (): Promise<readonly Outcome[]> =>
        (storage.transact as NonNullable<StorageBase['transact']>)(['k', 'missing'], (now) => {
          assert(!now.has('missing'), 'a missing key is absent')
          const next = (now.get('k')?.value as number) + 1
          return [
            [set('k', entry(next, `v${next}`), now.get('k')?.version ?? null)],
            [set('x', entry(1), 'never')],
          ]
        })
      const outcomes = await Promise.all([step(), step(), step()])
      for (const outcome of outcomes) assertEqual(outcome, ['applied', 'conflict'], 'the outcomes')
      assertEqual((await storage.get('k'))?.value, 4)
      assertEqual(await storage.transact(['k'], () => []), [], 'the outcomes')
      return undefined
    },
  },
  {
    id: 'contract/two-instances',
    name: 'two openings of a namespace through two plugins share its entries and its conditions',
    exempt: ({ atomic }: Traits) =>
      atomic === 'instance' || atomic === 'none'
        ? 'atomic no further than one instance'
        : undefined,
    run: async (subject) => {
      const namespace = subject.namespace()
      const one = await subject.storage(namespace)
      const two = await subject.storage(namespace, await subject.restarted())
      await one.set('k', entry(1, 'v1'))
      assertEqual((await two.get('k'))?.version, 'v1')
      await holds(two, 'applied', set('k', entry(2, 'v2'), 'v1'))
      await holds(one, 'conflict', set('k', entry(3, 'v3'), 'v1'))
    },
  },
]

async function holds(storage: StorageBase, expected: Outcome, ...group: Change[]): Promise<void> {
  assertEqual(await storage.commit([group]), [expected], 'the outcome')
}
