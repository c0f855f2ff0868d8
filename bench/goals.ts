import {
  atMost,
  atMostCalls,
  atMostMicroseconds,
  fasterThan,
  type Goal,
  type Limit,
} from './goal.ts'
import { GOAL_TABLE, UPDATE_HOT } from './goal-table.ts'

const NO_LOST_UPDATES: Limit = { kind: 'lost', max: 0 }
const NO_CONFLICTS: Limit = { kind: 'conflicts', max: 0 }

const OPENING =
  'In alternating rounds in a Worker, the test whether something has replaced one of 19 methods of the storage takes about 4 µs of it; configuration, plugin, runtime and store are the rest.'

/** The goals beside those of the table. */
const OTHER_GOALS: readonly Goal[] = [
  {
    workload: 'indexeddb-set-burst',
    candidate: 'botshelf-relaxed',
    limit: fasterThan(6.5, 'idb-keyval'),
    reason:
      'One transaction by hand, the lower bound, is itself about 8 × faster than idb-keyval: the goal is 1.26 × its time.',
  },
  {
    workload: 'indexeddb-set-burst',
    candidate: 'botshelf',
    limit: atMost(1.15, 'botshelf-relaxed'),
    reason:
      'Both make one transaction; a strict one waits until the browser has flushed it to the disk.',
  },
  {
    workload: 'indexeddb-get-burst',
    candidate: 'botshelf-relaxed',
    limit: fasterThan(2.4, 'idb-keyval'),
    reason:
      'One transaction by hand, the lower bound, is itself about 2.7 × faster than idb-keyval: the goal is 1.1 × its time.',
  },
  {
    workload: 'indexeddb-handlers',
    candidate: 'botshelf-relaxed',
    limit: atMost(0.35, 'idb-keyval'),
    reason:
      'The calls of all handlers take two transactions, the second of which waits for the first one.',
  },
  { workload: 'indexeddb-update-hot', candidate: 'botshelf-relaxed', limit: NO_LOST_UPDATES },
  {
    workload: 'indexeddb-update-hot',
    candidate: 'botshelf-relaxed',
    limit: fasterThan(90, 'idb-keyval'),
    reason: UPDATE_HOT,
  },
  { workload: 'indexeddb-update-first', candidate: 'botshelf-relaxed', limit: NO_LOST_UPDATES },
  { workload: 'indexeddb-update-distinct', candidate: 'botshelf-relaxed', limit: NO_LOST_UPDATES },
  {
    workload: 'indexeddb-update-distinct',
    candidate: 'botshelf-relaxed',
    limit: fasterThan(7, 'idb-keyval'),
    reason: 'One transaction by hand, the lower bound, is itself about 7 × faster than idb-keyval.',
  },
  {
    workload: 'indexeddb-hot-tabs',
    candidate: 'botshelf-two-tabs',
    limit: atMost(1.2, 'botshelf-one-tab'),
    reason: 'Two tabs take turns with a Web Lock for each key; one tab takes them in memory.',
  },
  { workload: 'indexeddb-hot-tabs', candidate: 'botshelf-two-tabs', limit: NO_CONFLICTS },
  { workload: 'indexeddb-hot-tabs', candidate: 'botshelf-two-tabs', limit: NO_LOST_UPDATES },
  { workload: 'object-set', candidate: 'botshelf-object', limit: atMostCalls(1) },
  { workload: 'object-get', candidate: 'botshelf-object', limit: atMostCalls(1) },
  { workload: 'object-update-hot', candidate: 'botshelf-object', limit: NO_LOST_UPDATES },
  { workload: 'object-update-hot', candidate: 'botshelf-object', limit: atMostCalls(2) },
  {
    workload: 'object-update-hot',
    candidate: 'botshelf-object',
    limit: fasterThan(60, 'rpc-each'),
    reason:
      'Of the samples of a profile in workerd, the two copies per update take about a quarter, settling promises 8 %, and reading the entries in the object 5 %; most of the rest are the queue and its promises. The batch RPC updates in the object, without a checked copy per update.',
  },
  ...[1, 20, 100].flatMap((count) => hotKeyGoals(count)),
  ...hotKeyCountGoals(500),
  {
    workload: 'kv-entries',
    candidate: 'botshelf-kv',
    limit: fasterThan(15, 'kv-bulk'),
    reason:
      'botshelf makes 10 calls, which return small values with the keys; the baseline makes 110 calls.',
  },
  { workload: 'memory-update-hot', candidate: 'botshelf', limit: NO_LOST_UPDATES },
  { workload: 'open', candidate: 'botshelf-kv', limit: atMostCalls(0) },
  {
    workload: 'open',
    candidate: 'botshelf-kv',
    limit: atMostMicroseconds(20),
    reason: OPENING,
  },
  { workload: 'open', candidate: 'botshelf-object', limit: atMostCalls(0) },
  {
    workload: 'open',
    candidate: 'botshelf-object',
    limit: atMostMicroseconds(20),
    reason: OPENING,
  },
  {
    workload: 'open',
    candidate: 'botshelf-inside',
    limit: atMostMicroseconds(20),
    reason: OPENING,
  },
]

/** The goals of the project, in the order of the report. */
export const GOALS: readonly Goal[] = [...GOAL_TABLE.flatMap(({ goals }) => goals), ...OTHER_GOALS]

/** The goals for clients that change one key at once. */
function hotKeyGoals(count: number): readonly Goal[] {
  return [
    ...hotKeyCountGoals(count),
    {
      workload: `object-hot-update-${count}`,
      candidate: 'botshelf-object',
      limit: atMost(1.1, 'rpc-sequence'),
      reason:
        'A client makes up to 4 calls of 20 ms, and 100 clients make 398 in all; the baseline makes 102.',
    },
  ]
}

function hotKeyCountGoals(count: number): readonly Goal[] {
  const candidate = 'botshelf-object'
  const update = `object-hot-update-${count}`
  const increment = `object-hot-increment-${count}`
  return [
    { workload: update, candidate, limit: atMostCalls(4) },
    { workload: update, candidate, limit: NO_CONFLICTS },
    { workload: update, candidate, limit: NO_LOST_UPDATES },
    { workload: increment, candidate, limit: atMostCalls(1) },
    { workload: increment, candidate, limit: NO_LOST_UPDATES },
  ]
}
