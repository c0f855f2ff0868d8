/** Compares with the peer that has the lowest median. */
export const BEST_PEER = 'best peer'

/** What a candidate must achieve in a workload. Every run checks it. */
export interface Goal {
  readonly workload: string
  readonly candidate: string
  readonly limit: Limit
  /** Why the goal is hard to meet, in one sentence. The report shows it while the goal is missed. */
  readonly reason?: string
}

export type Limit =
  /** Takes at most `max` times as long as the candidate `against`. */
  | { readonly kind: 'ratio'; readonly against: string; readonly max: number }
  /** Is at least `min` times as fast as the candidate `against`. */
  | { readonly kind: 'faster'; readonly against: string; readonly min: number }
  /** Takes at most `max` microseconds. */
  | { readonly kind: 'time'; readonly max: number }
  /** Makes at most `max` calls to the platform; for a task with clients, each of them does. */
  | { readonly kind: 'calls'; readonly max: number }
  /** Loses no update, or rejects none with `CONFLICT`. */
  | { readonly kind: 'lost' | 'conflicts'; readonly max: 0 }

const NO_LOST_UPDATES: Limit = { kind: 'lost', max: 0 }
const NO_CONFLICTS: Limit = { kind: 'conflicts', max: 0 }

/** The goals of the project, in the order of the report. */
export const GOALS: readonly Goal[] = [
  {
    workload: 'indexeddb-set-burst',
    candidate: 'botshelf-relaxed',
    limit: atMost(1.1, 'plain-indexeddb'),
    reason:
      'In addition to the puts, botshelf validates and copies each value and creates a promise per call, in code that the engine has barely optimized yet.',
  },
  {
    workload: 'indexeddb-set-burst',
    candidate: 'botshelf-relaxed',
    limit: fasterThan(6.5, 'idb-keyval'),
    reason: 'One transaction with plain IndexedDB is the lower bound: see its row.',
  },
  {
    workload: 'indexeddb-set-burst',
    candidate: 'botshelf',
    limit: atMost(1.15, 'botshelf-relaxed'),
  },
  {
    workload: 'indexeddb-set-awaited',
    candidate: 'botshelf-relaxed',
    limit: atMost(0.85, 'idb-keyval'),
    reason:
      'Each write waits for the previous one, and a series of writes notifies the other tabs.',
  },
  {
    workload: 'indexeddb-get-burst',
    candidate: 'botshelf-relaxed',
    limit: atMost(1.2, 'plain-indexeddb'),
    reason:
      'In addition to the request, botshelf creates a promise and a queue entry per call, in code that the engine has barely optimized yet.',
  },
  {
    workload: 'indexeddb-get-burst',
    candidate: 'botshelf-relaxed',
    limit: fasterThan(2.4, 'idb-keyval'),
    reason: 'One transaction with plain IndexedDB is the lower bound: see its row.',
  },
  {
    workload: 'indexeddb-get-awaited',
    candidate: 'botshelf-relaxed',
    limit: atMost(1, 'idb-keyval'),
    reason: 'Both wait for one transaction after another; the difference is within the noise.',
  },
  {
    workload: 'indexeddb-set-one',
    candidate: 'botshelf-relaxed',
    limit: atMost(1, 'idb-keyval'),
  },
  {
    workload: 'indexeddb-get-one',
    candidate: 'botshelf-relaxed',
    limit: atMost(1.1, 'idb-keyval'),
    reason: 'Both wait for one transaction; the rest is the cost of the queue.',
  },
  {
    workload: 'indexeddb-handlers',
    candidate: 'botshelf-relaxed',
    limit: atMost(0.35, 'idb-keyval'),
  },
  {
    workload: 'indexeddb-update-hot',
    candidate: 'botshelf-relaxed',
    limit: NO_LOST_UPDATES,
  },
  {
    workload: 'indexeddb-update-hot',
    candidate: 'botshelf-relaxed',
    limit: fasterThan(90, 'idb-keyval'),
    reason:
      'One transaction serves all updates, and copying dominates: each updater receives a copy, its result is validated and copied, and its caller receives another copy.',
  },
  {
    workload: 'indexeddb-update-distinct',
    candidate: 'botshelf-relaxed',
    limit: NO_LOST_UPDATES,
  },
  {
    workload: 'indexeddb-update-distinct',
    candidate: 'botshelf-relaxed',
    limit: fasterThan(7, 'idb-keyval'),
    reason:
      'A thousand gets and a thousand puts in one transaction of plain IndexedDB are the lower bound: see its row.',
  },
  {
    workload: 'indexeddb-keys',
    candidate: 'botshelf-relaxed',
    limit: atMost(1.2, BEST_PEER),
    reason:
      'An async iterator yields one key at a time and takes some microtasks for each, where the others return one array; botshelf also reads which keys have expired.',
  },
  {
    workload: 'indexeddb-entries',
    candidate: 'botshelf-relaxed',
    limit: atMost(1.2, BEST_PEER),
    reason:
      'An async iterator yields one entry at a time and reads pages of 500, so that 10,000 entries need not fit into memory at once; the others return one array.',
  },
  {
    workload: 'indexeddb-clear',
    candidate: 'botshelf-relaxed',
    limit: atMost(1.2, BEST_PEER),
    reason:
      'botshelf makes one call to the browser, as the others do, which also clears the index of expiries.',
  },
  {
    workload: 'indexeddb-open',
    candidate: 'botshelf',
    limit: atMost(1.1, 'idb'),
    reason:
      'botshelf also checks that it created the database and opens a channel to the other tabs, and the engine compiles more code.',
  },
  {
    workload: 'indexeddb-hot-tabs',
    candidate: 'botshelf-two-tabs',
    limit: atMost(1.2, 'botshelf-one-tab'),
  },
  {
    workload: 'indexeddb-hot-tabs',
    candidate: 'botshelf-two-tabs',
    limit: NO_CONFLICTS,
  },
  {
    workload: 'indexeddb-hot-tabs',
    candidate: 'botshelf-two-tabs',
    limit: NO_LOST_UPDATES,
  },
  {
    workload: 'object-set',
    candidate: 'botshelf-object',
    limit: atMost(1.4, 'one-rpc'),
    reason:
      'botshelf validates, copies and measures each value and stores a version with it, which the batch RPC does not.',
  },
  {
    workload: 'object-set',
    candidate: 'botshelf-object',
    limit: atMostCalls(1),
  },
  {
    workload: 'object-get',
    candidate: 'botshelf-object',
    limit: atMost(1.25, 'one-rpc'),
    reason:
      'Each entry carries its version and expiry, and each call has a promise and a queue entry.',
  },
  {
    workload: 'object-get',
    candidate: 'botshelf-object',
    limit: atMostCalls(1),
  },
  {
    workload: 'object-update-hot',
    candidate: 'botshelf-object',
    limit: NO_LOST_UPDATES,
  },
  {
    workload: 'object-update-hot',
    candidate: 'botshelf-object',
    limit: atMostCalls(2),
  },
  {
    workload: 'object-update-hot',
    candidate: 'botshelf-object',
    limit: fasterThan(60, 'rpc-each'),
    reason: 'One batch RPC is the lower bound: see its row.',
  },
  ...[1, 20, 100, 200, 500].flatMap((count) => hotKeyGoals(count)),
  {
    workload: 'inside-set',
    candidate: 'botshelf-inside',
    limit: atMost(1.4, 'kv-loop'),
    reason:
      'botshelf validates, copies and measures each value before it is stored, which the loop leaves to the storage.',
  },
  {
    workload: 'inside-get',
    candidate: 'botshelf-inside',
    limit: atMost(1.25, 'kv-loop'),
    reason: 'Each call has a promise and a queue entry; the loop is synchronous.',
  },
  {
    workload: 'kv-get',
    candidate: 'botshelf-kv',
    limit: atMostCalls(10),
  },
  {
    workload: 'kv-entries',
    candidate: 'botshelf-kv',
    limit: atMostCalls(10),
  },
  {
    workload: 'kv-entries',
    candidate: 'botshelf-kv',
    limit: fasterThan(15, 'kv-bulk'),
    reason: 'botshelf decodes each value from its codec text.',
  },
  {
    workload: 'memory-set',
    candidate: 'botshelf',
    limit: atMost(0.6, 'unstorage'),
    reason:
      'botshelf validates and copies each value, which keeps types that JSON loses, and each call passes through the queue.',
  },
  {
    workload: 'memory-set-burst',
    candidate: 'botshelf',
    limit: atMost(0.6, 'unstorage'),
    reason:
      'botshelf validates and copies each value, which keeps types that JSON loses, and each call passes through the queue.',
  },
  {
    workload: 'memory-get',
    candidate: 'botshelf',
    limit: atMost(0.6, 'unstorage'),
    reason:
      'Each call passes through the queue, which orders and batches calls; here there is nothing to batch.',
  },
  {
    workload: 'memory-get-burst',
    candidate: 'botshelf',
    limit: atMost(0.6, 'unstorage'),
    reason: 'botshelf copies each value and creates a queue entry per call.',
  },
  {
    workload: 'open',
    candidate: 'botshelf-kv',
    limit: atMostCalls(0),
  },
  {
    workload: 'open',
    candidate: 'botshelf-kv',
    limit: atMostMicroseconds(20),
  },
  {
    workload: 'open',
    candidate: 'botshelf-object',
    limit: atMostCalls(0),
  },
  {
    workload: 'open',
    candidate: 'botshelf-object',
    limit: atMostMicroseconds(20),
  },
  {
    workload: 'open',
    candidate: 'botshelf-inside',
    limit: atMostMicroseconds(20),
  },
]

/** The goals for clients that change one key at once. */
function hotKeyGoals(count: number): readonly Goal[] {
  const candidate = 'botshelf-object'
  const update = `object-hot-update-${count}`
  const increment = `object-hot-increment-${count}`
  return [
    { workload: update, candidate, limit: atMostCalls(4) },
    { workload: update, candidate, limit: NO_CONFLICTS },
    { workload: update, candidate, limit: NO_LOST_UPDATES },
    {
      workload: update,
      candidate,
      limit: atMost(1.1, 'rpc-sequence'),
      reason:
        'All clients read and lose a race at once, which takes the simulator processor time; over a real network only the round trips count.',
    },
    { workload: increment, candidate, limit: atMostCalls(1) },
    { workload: increment, candidate, limit: NO_LOST_UPDATES },
  ]
}

function atMost(max: number, against: string): Limit {
  return { kind: 'ratio', against, max }
}

function fasterThan(min: number, against: string): Limit {
  return { kind: 'faster', against, min }
}

function atMostMicroseconds(max: number): Limit {
  return { kind: 'time', max }
}

function atMostCalls(max: number): Limit {
  return { kind: 'calls', max }
}
