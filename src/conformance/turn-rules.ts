import { noop, sleep } from '../async.ts'
import type { Change, CommitOptions, StorageBase } from '../storage.ts'
import type { Turn, Turns } from '../turns.ts'
import { assert, assertEqual, sortedMap } from './assertions.ts'
import { CHANGE_TIMEOUT_MS, withTimeout } from './change-reader.ts'
import type { Rule } from './rule.ts'
import type { TestBackend } from './test-backend.ts'
import { createEntry, repeat, setChange } from './test-data.ts'

/** Longer than any case waits for a turn. */
const LEASE_MS = 20_000
const SHORT_LEASE_MS = 50
/** A turn that is granted too early is granted within this time. */
const TOO_EARLY_MS = 30

/** `turns`: the order of the clients that change the same keys. */
export const TURN_RULES: readonly Rule[] = [
  turnRule({
    id: 'turns/one-at-a-time',
    name: 'turns on one key are granted one at a time, one to each request',
    fix: 'queue the requests of each key, and grant the next turn when the one before it has ended',
    run: async ({ turns }) => {
      const events: string[] = []
      const granted: number[] = []
      await Promise.all(
        repeat(5, async (i) => {
          const turn = await requestTurn(turns, ['k'])
          granted.push(i)
          events.push(`start ${i}`)
          await sleep(i % 2)
          events.push(`end ${i}`)
          turn.release()
        }),
      )
      // Requests that are sent at the same time may arrive in any order.
      const expected = granted.flatMap((i) => [`start ${i}`, `end ${i}`])
      assertEqual(events, expected, 'the starts and ends of the turns')
    },
  }),
  turnRule({
    id: 'turns/contended',
    name: 'hasContention is true while isContended() is true for a key, and neither changes the order',
    fix: 'derive hasContention from the same data as isContended()',
    run: async ({ turns }) => {
      const first = await requestTurn(turns, ['k'])
      const second = requestTurn(turns, ['k'])
      assert(
        turns.hasContention || !turns.isContended('k'),
        'hasContention: expected true, because isContended() is true; received false',
      )
      first.release()
      ;(await second).release()
    },
  }),
  turnRule({
    id: 'turns/release-twice',
    name: 'releasing a turn twice does not end the turn of another client',
    fix: 'ignore release() of a turn that has ended',
    run: async ({ turns }) => {
      const first = await requestTurn(turns, ['k'])
      const second = requestTurn(turns, ['k'])
      const third = requestTurn(turns, ['k'])
      first.release()
      first.release()
      const turn = await second
      first.release()
      await assertWaits(third, 'the third turn, while the second has not ended')
      turn.release()
      ;(await third).release()
      assertEqual(first.hasLapsed, false, 'hasLapsed of a released turn')
    },
  }),
  turnRule({
    id: 'turns/lease',
    name: 'a turn that is not released ends with its lease, and its hasLapsed is then true',
    fix: 'end a turn after `leaseMs`, counted from its start, and set hasLapsed',
    run: async ({ turns }) => {
      const first = await requestTurn(turns, ['k'], SHORT_LEASE_MS)
      const second = await requestTurn(turns, ['k'])
      for (let waited = 0; !first.hasLapsed && waited < CHANGE_TIMEOUT_MS; waited += 10)
        await sleep(10)
      assertEqual(first.hasLapsed, true, 'hasLapsed after the lease')
      const third = requestTurn(turns, ['k'])
      first.release()
      await assertWaits(third, 'the third turn, while the second has not ended')
      second.release()
      ;(await third).release()
    },
  }),
  turnRule({
    id: 'turns/several-keys',
    name: 'requests of several keys in opposite orders do not wait for each other, and share no key at a time',
    fix: 'enter the queues of all keys of a request at once',
    run: async ({ turns }) => {
      const held: string[] = []
      const overlaps: string[] = []
      const orders = [['a', 'b', 'c'], ['c', 'b', 'a'], ['b'], ['c', 'a']]
      await Promise.all(
        repeat(12, async (i) => {
          const keys = orders[i % orders.length] ?? []
          const turn = await requestTurn(turns, keys)
          overlaps.push(...keys.filter((key) => held.includes(key)))
          held.push(...keys)
          await sleep(1)
          for (const key of keys) held.splice(held.indexOf(key), 1)
          turn.release()
        }),
      )
      assertEqual(overlaps, [], 'the keys that two turns had at once')
    },
  }),
  turnRule({
    id: 'turns/different-keys',
    name: 'a turn on one key does not wait for a turn on another',
    fix: 'queue the requests of each key separately',
    run: async ({ turns }) => {
      const one = await requestTurn(turns, ['a', 'b'])
      const waiting = requestTurn(turns, ['a'])
      const other = await requestTurn(turns, ['c'])
      other.release()
      one.release()
      ;(await waiting).release()
    },
  }),
  turnRule({
    id: 'turns/write-ends-turn',
    name: 'a write that takes a turn ends it, applied or not, and it may still be released',
    fix: 'end `options.turn` in commit(), transact() and perform()',
    run: async ({ storage, turns }) => {
      const conflict = [setChange('k', createEntry(2), 'another version')]
      const writes: Record<string, (options: CommitOptions) => unknown> = {
        'commit()': (options) => storage.commit([createGroup()], options),
        'commit() with a conflict': (options) => storage.commit([conflict], options),
        'transact()': (options) => storage.transact?.(['k'], () => [createGroup()], options),
        'perform()': (options) => storage.perform?.([createGroup()], options),
      }
      if (storage.transact === undefined) delete writes['transact()']
      if (storage.perform === undefined) delete writes['perform()']
      for (const [method, write] of Object.entries(writes)) {
        const turn = await requestTurn(turns, ['k'])
        const next = turns.request(['k'], LEASE_MS)
        await write({ turn })
        const following = await withTimeout(next, `the next turn after ${method}`)
        turn.release()
        assertEqual(turn.hasLapsed, false, `hasLapsed after ${method}`)
        following.release()
      }
    },
  }),
  turnRule({
    id: 'turns/entries',
    name: 'the entries of a turn, if it has them, are those that are stored at its start',
    fix: 'read the entries after the turn before has ended, or leave them out',
    run: async ({ storage, turns }) => {
      await storage.set('k', createEntry(1, 'v1'))
      const first = await requestTurn(turns, ['k', 'missing'])
      const second = requestTurn(turns, ['k', 'missing'])
      await storage.commit([[setChange('k', createEntry(2, 'v2'))]], { turn: first })
      const { entries, release } = await second.then((turn) => ({
        entries: turn.entries,
        release: () => turn.release(),
      }))
      release()
      if (entries === undefined) return 'the turns have no entries'
      assertEqual(sortedMap(entries), new Map([['k', createEntry(2, 'v2')]]), 'the entries')
      return undefined
    },
  }),
]

function createGroup(): Change[] {
  return [setChange('k', createEntry(1))]
}

interface TurnTest {
  readonly storage: StorageBase
  readonly turns: Turns
}

/** Creates a rule that is tested on the turns of one storage. */
function turnRule({
  run,
  ...rule
}: Omit<Rule, 'run'> & {
  readonly run: (test: TurnTest) => Promise<string | undefined | void>
}): Rule {
  return {
    ...rule,
    run: async (backend: TestBackend) => {
      const storage = await backend.openStorage()
      const { turns } = storage
      return turns === undefined ? 'the storage has no turns' : run({ storage, turns })
    },
  }
}

function requestTurn(
  turns: Turns,
  keys: readonly string[],
  leaseMs: number = LEASE_MS,
): Promise<Turn> {
  const turn = withTimeout(turns.request(keys, leaseMs), `a turn on ${keys.join()}`)
  // A case that fails earlier does not await it.
  turn.catch(noop)
  return turn
}

/** @throws AssertionError if the turn is granted */
async function assertWaits(turn: Promise<Turn>, what: string): Promise<void> {
  const isGranted = await Promise.race([
    turn.then(() => true),
    sleep(TOO_EARLY_MS).then(() => false),
  ])
  assert(!isGranted, `${what}: expected it to wait; it was granted`)
}
