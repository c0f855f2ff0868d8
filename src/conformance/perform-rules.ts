import type { Step } from '../step.ts'
import type { Change, CommitOptions, PerformResult, StepChange, StorageBase } from '../storage.ts'
import { isStoreError, type StoreErrorCode } from '../errors.ts'
import { assert, assertEqual, collect, fail, sortKeys } from './assertions.ts'
import type { Rule } from './rule.ts'
import type { TestBackend } from './test-backend.ts'
import {
  casesOnLive,
  casesOnMissing,
  createTimes,
  type StepCase,
  type Times,
} from './step-cases.ts'
import { createEntry, removeChange, repeat, setChange } from './test-data.ts'

const NO_PERFORM = 'the storage has no perform()'
const RUN_STEP =
  'run each step with runStep() on the stored entry, or on undefined if it has expired at `now`'

/** `perform()`: steps that the storage runs itself. */
export const PERFORM_RULES: readonly Rule[] = [
  {
    id: 'perform/missing-key',
    name: 'perform() runs each kind of step on a missing key',
    fix: RUN_STEP,
    run: (backend) => runCases(backend, 'missing', casesOnMissing),
  },
  {
    id: 'perform/live-entry',
    name: 'perform() runs each kind of step on a live entry, and keeps its expiry unless the step has one',
    fix: `${RUN_STEP}; write nothing if its effect has no change`,
    run: (backend) => runCases(backend, 'live', casesOnLive),
  },
  {
    id: 'perform/expired-entry',
    name: 'perform() treats an entry that has expired at `now` as missing, and without `now` nothing has expired',
    fix: RUN_STEP,
    run: async (backend) => {
      const exempt = await runCases(backend, 'expired', casesOnMissing)
      if (exempt !== undefined) return exempt
      const storage = await backend.openStorage()
      const { now } = createTimes()
      await storage.set('k', createEntry('old', 'v1', now))
      for (const options of [undefined, {}, { now: now - 1 }]) {
        const insert = stepChange('k', { kind: 'insert', value: 'new' })
        const results = await perform(storage, [[insert]], options)
        assertEqual(results, [[false]], `the results with ${JSON.stringify(options)}`)
      }
      assertEqual(await storage.get('k'), createEntry('old', 'v1', now), 'the entry')
      return undefined
    },
  },
  {
    id: 'perform/changes-in-order',
    name: 'perform() applies the changes of a group in order, of which several may have the same key',
    fix: 'let each change of a group see what those before it wrote',
    run: async (backend) => {
      const storage = await backend.openStorage()
      if (storage.perform === undefined) return NO_PERFORM
      const { live } = createTimes()
      const add = (key: string, by: number): StepChange =>
        stepChange(key, { kind: 'increment', by })
      const last = add('n', 3)
      const results = await perform(storage, [
        [
          setChange('n', createEntry(1, 'v', live)),
          add('n', 2),
          add('other', 10),
          last,
          removeChange('gone'),
        ],
        [
          add('x', 1),
          removeChange('x'),
          stepChange('x', { kind: 'insert', value: ['a'] }),
          stepChange('x', { kind: 'append', item: 'b' }),
          stepChange('y', { kind: 'insert', value: 1 }),
          stepChange('y', { kind: 'pop' }),
        ],
        [],
        [setChange('set', createEntry(1, 'v1'))],
      ])
      assertEqual(
        results,
        [[undefined, 3, 10, 6, undefined], [1, undefined, true, 2, true, 1], [], [undefined]],
        'the results',
      )
      assertEqual(sortKeys(await collect(storage.keys())), ['n', 'other', 'set', 'x'], 'keys()')
      assertEqual((await storage.get('x'))?.value, ['a', 'b'], 'the value of x')
      assertEqual(await storage.get('n'), createEntry(6, last.version, live), 'the entry of n')
      return undefined
    },
  },
  {
    id: 'perform/failing-step',
    name: 'a step that cannot run rejects its group whole, with the error of runStep(), and no other group',
    fix: 'run all steps of a group before its first write, and return a StoreError in place of its results',
    run: async (backend) => {
      const storage = await backend.openStorage()
      if (storage.perform === undefined) return NO_PERFORM
      await storage.set('text', createEntry('x', 'v1'))
      const failing = stepChange('text', { kind: 'increment', by: 1 })
      const unknown = stepChange('n', { kind: 'unknown' } as never)
      const results = await perform(storage, [
        [stepChange('before', { kind: 'increment', by: 1 })],
        [setChange('a', createEntry(1)), failing, setChange('b', createEntry(1))],
        [removeChange('before'), stepChange('text', { kind: 'append', item: 1 })],
        [stepChange('c', { kind: 'insert', value: 1 }), unknown],
        [stepChange('after', { kind: 'increment', by: 2 })],
      ])
      assertEqual(results.length, 5, 'the number of results')
      assertEqual(results[0], [1], 'the results of the group before the failing ones')
      assertFailed(results[1], 'INVALID_VALUE', 'an increment of text')
      assertFailed(results[2], 'INVALID_VALUE', 'an append to text')
      assertFailed(results[3], 'VERSION_MISMATCH', 'a step of an unknown kind')
      assertEqual(results[4], [2], 'the results of the group after the failing ones')
      assertEqual(sortKeys(await collect(storage.keys())), ['after', 'before', 'text'], 'keys()')
      assertEqual(await storage.get('text'), createEntry('x', 'v1'), 'the entry of the failed step')
      return undefined
    },
  },
  {
    id: 'perform/results-are-copies',
    name: 'changing a result of perform() changes nothing stored',
    fix: 'copy a value that is both stored and returned',
    run: async (backend) => {
      const storage = await backend.openStorage()
      if (storage.perform === undefined) return NO_PERFORM
      for (const when of ['inserted', 'found']) {
        const step = stepChange('k', { kind: 'getOrInsert', value: { list: [1] } })
        const [results] = await perform(storage, [[step]])
        const [value] = results as [{ list: number[] }]
        value.list.push(2)
        assertEqual((await storage.get('k'))?.value, { list: [1] }, `the stored value, ${when}`)
      }
      return undefined
    },
  },
  {
    id: 'perform/concurrent',
    name: 'two concurrent calls of perform() with 20 increments each add up, and each result occurs once',
    fix: 'read, run the steps and write in one atomic step of the backend',
    run: async (backend) => {
      const namespace = backend.createNamespace()
      const one = await backend.openStorage(namespace)
      if (one.perform === undefined) return NO_PERFORM
      const two = await backend.openStorage(namespace, await backend.createPluginOfOtherClient())
      const [ofOne, ofTwo] = await Promise.all([increment(one, 20), increment(two, 20)])
      assertEqual(
        [...(ofOne[0] as number[]), ...(ofTwo[0] as number[])].toSorted((a, b) => a - b),
        repeat(40, (i) => i + 1),
        'the sorted results',
      )
      assertEqual((await one.get('n'))?.value, 40, 'the counter')
      return undefined
    },
  },
]

/** Runs each step on a key of its own, and compares its result and the entry after it. */
async function runCases(
  backend: TestBackend,
  state: 'missing' | 'live' | 'expired',
  createCases: (times: Times) => readonly StepCase[],
): Promise<string | undefined> {
  const storage = await backend.openStorage()
  if (storage.perform === undefined) return NO_PERFORM
  const times = createTimes()
  const stored = (before: unknown): ReturnType<typeof createEntry> =>
    createEntry(before, 'before', state === 'live' ? times.live : times.now)
  for (const [i, { step, before = 'old', result, after }] of createCases(times).entries()) {
    const key = `k${i}`
    const what = `a step ${JSON.stringify(step)} on a key that is ${state}`
    const unchanged = state === 'missing' ? undefined : stored(before)
    if (unchanged !== undefined) await storage.set(key, unchanged)
    const change = stepChange(key, step)
    const results = await perform(storage, [[change]], { now: times.now })
    assertEqual(results, [[result]], `the results of ${what}`)
    const found = await storage.get(key)
    // A storage may remove an expired entry.
    if (after === undefined && state === 'expired' && found === undefined) continue
    const changed =
      after === undefined || after === 'removed'
        ? undefined
        : createEntry(after.value, change.version, after.expires)
    assertEqual(found, after === undefined ? unchanged : changed, `the entry after ${what}`)
  }
  return undefined
}

async function perform(
  storage: StorageBase,
  groups: readonly (readonly (Change | StepChange)[])[],
  options?: CommitOptions,
): Promise<readonly PerformResult[]> {
  return (await storage.perform?.(groups, options)) ?? fail(NO_PERFORM)
}

/** Increments `n` by 1, in one group. */
function increment(storage: StorageBase, times: number): Promise<readonly PerformResult[]> {
  return perform(storage, [repeat(times, () => stepChange('n', { kind: 'increment', by: 1 }))])
}

function stepChange(key: string, step: Step): StepChange {
  return { key, step, version: createEntry(0).version, bytes: 100 }
}

function assertFailed(result: PerformResult | undefined, code: StoreErrorCode, what: string): void {
  const received = isStoreError(result) ? result.code : JSON.stringify(result)
  assert(
    received === code,
    `the result of ${what}: expected a StoreError ${code}; received ${received}`,
  )
}
