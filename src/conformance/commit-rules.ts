import { isStoreError } from '../errors.ts'
import type { Change, CommitResult, StorageBase } from '../storage.ts'
import { assert, assertEqual, collect, describeError, sortKeys } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import { createEntry, removeChange, setChange } from './test-data.ts'

/** Groups of changes, their conditions and their outcomes. */
export const COMMIT_RULES: readonly Rule[] = [
  {
    id: 'commit/groups-independent',
    name: 'commit() returns one outcome per group, in order, and a group that fails does not affect the others',
    fix: 'apply each group on its own, and catch its failure as its outcome',
    run: async (backend) => {
      const storage = await backend.openStorage()
      await storage.set('k', createEntry(0, 'v0'))
      const isAtomic = backend.traits.atomic !== 'none'
      const conditional = isAtomic ? [[setChange('k', createEntry(9), 'another version')]] : []
      const outcomes = await storage.commit([
        [setChange('a', createEntry(1))],
        ...conditional,
        [removeChange('missing')],
        [setChange('b', createEntry(2))],
      ])
      const expected = isAtomic
        ? ['applied', 'conflict', 'applied', 'applied']
        : ['applied', 'applied', 'applied']
      assertEqual(outcomes, expected, 'the outcomes')
      assertEqual(
        sortKeys((await storage.getMany(['a', 'b', 'k'])).keys()),
        ['a', 'b', 'k'],
        'the stored keys',
      )
    },
  },
  {
    id: 'commit/if-version',
    name: 'a change with ifVersion applies only if the entry has that version (null: no live entry); without conditional writes its result is NOT_ATOMIC',
    fix: "check ifVersion and write in one atomic step of the backend, or return a StoreError NOT_ATOMIC with traits.atomic 'none'",
    run: async (backend) => {
      const storage = await backend.openStorage()
      if (backend.traits.atomic === 'none') {
        const [outcome] = await storage.commit([[setChange('k', createEntry(1), null)]])
        assert(
          isStoreError(outcome) && outcome.code === 'NOT_ATOMIC',
          `the outcome of a change with ifVersion: expected a StoreError NOT_ATOMIC; received ${typeof outcome === 'string' ? outcome : describeError(outcome)}`,
        )
        return assertEqual(await storage.get('k'), undefined, 'get() after the refused change')
      }
      await expectOutcome(storage, 'applied', setChange('k', createEntry('first', 'v1'), null))
      await expectOutcome(storage, 'conflict', setChange('k', createEntry('again', 'v2'), null))
      await expectOutcome(storage, 'conflict', setChange('k', createEntry('again', 'v2'), 'v0'))
      assertEqual((await storage.get('k'))?.value, 'first', 'the value after two conflicts')
      await expectOutcome(storage, 'applied', setChange('k', createEntry('second', 'v2'), 'v1'))
      await expectOutcome(storage, 'conflict', removeChange('k', 'v1'))
      await expectOutcome(storage, 'applied', removeChange('k', 'v2'))
      await expectOutcome(storage, 'conflict', setChange('k', createEntry('late', 'v3'), 'v2'))
      await expectOutcome(storage, 'applied', setChange('k', createEntry('recreated', 'v4'), null))
      assertEqual((await storage.get('k'))?.value, 'recreated', 'the value at the end')
    },
  },
  {
    id: 'commit/group-all-or-nothing',
    name: 'a group with one failed condition changes nothing, whichever of its changes has the condition',
    fix: 'check all conditions of a group before its first write, in the same transaction',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const storage = await backend.openStorage()
      await storage.set('k', createEntry('old', 'v1'))
      await expectOutcome(
        storage,
        'conflict',
        setChange('a', createEntry(1)),
        setChange('k', createEntry('new'), 'v0'),
        setChange('z', createEntry(2)),
      )
      await expectOutcome(
        storage,
        'conflict',
        removeChange('k'),
        setChange('z', createEntry(2)),
        setChange('y', createEntry(3), 'v0'),
      )
      assertEqual(
        new Map(await collect(storage.entries())),
        new Map([['k', { value: 'old', version: 'v1' }]]),
        'entries() after two groups with a conflict',
      )
      await expectOutcome(
        storage,
        'applied',
        setChange('a', createEntry(1)),
        setChange('k', createEntry('new', 'v2'), 'v1'),
        removeChange('missing'),
      )
      assertEqual(sortKeys(await collect(storage.keys())), ['a', 'k'], 'keys() at the end')
    },
  },
  {
    id: 'commit/transact',
    name: 'transact() reads the current entries and applies the groups in one atomic step',
    fix: 'call `apply` inside the transaction, without awaiting anything between the reads and the writes',
    run: async (backend) => {
      const storage = await backend.openStorage()
      if (storage.transact === undefined) return 'the storage has no transact()'
      await storage.set('k', createEntry(1, 'v1'))
      const addOne = (): Promise<readonly CommitResult[]> =>
        (storage.transact as NonNullable<StorageBase['transact']>)(['k', 'missing'], (found) => {
          assert(
            !found.has('missing'),
            'the entries that transact() reads: expected no entry of a missing key; received one',
          )
          const next = (found.get('k')?.value as number) + 1
          return [
            [setChange('k', createEntry(next, `v${next}`), found.get('k')?.version ?? null)],
            [setChange('x', createEntry(1), 'another version')],
          ]
        })
      const results = await Promise.all([addOne(), addOne(), addOne()])
      for (const outcomes of results) {
        assertEqual(outcomes, ['applied', 'conflict'], 'the outcomes of transact()')
      }
      assertEqual((await storage.get('k'))?.value, 4, 'the value after three increments')
      assertEqual(await storage.transact(['k'], () => []), [], 'the outcomes of no groups')
      return undefined
    },
  },
  {
    id: 'commit/two-plugins',
    name: 'two plugins that open one namespace see the same entries and versions',
    fix: "check conditions in the backend, not in memory, or set traits.atomic to 'instance'",
    exempt: ({ atomic }) =>
      atomic === 'instance' || atomic === 'none'
        ? `conditional writes do not reach beyond one plugin (atomic: '${atomic}')`
        : undefined,
    run: async (backend) => {
      const namespace = backend.createNamespace()
      const one = await backend.openStorage(namespace)
      const two = await backend.openStorage(namespace, await backend.createPlugin())
      await one.set('k', createEntry(1, 'v1'))
      assertEqual((await two.get('k'))?.version, 'v1', 'the version that the other plugin reads')
      await expectOutcome(two, 'applied', setChange('k', createEntry(2, 'v2'), 'v1'))
      await expectOutcome(one, 'conflict', setChange('k', createEntry(3, 'v3'), 'v1'))
    },
  },
]

async function expectOutcome(
  storage: StorageBase,
  expected: CommitResult,
  ...group: Change[]
): Promise<void> {
  const changes = group.map((change) => {
    const kind = 'entry' in change ? 'set' : 'remove'
    const { key, ifVersion } = change
    return ifVersion === undefined ? `${kind} ${key}` : `${kind} ${key} if ${ifVersion ?? 'absent'}`
  })
  const outcomes = await storage.commit([group])
  assertEqual(outcomes, [expected], `the outcome of the group [${changes.join(', ')}]`)
}
