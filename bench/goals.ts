/** The best median among the libraries that take part. */
export const BEST_PEER = 'best peer'

/** Something that is to hold of a workload, in every run anew. */
export interface Goal {
  readonly workload: string
  readonly candidate: string
  readonly holds: Limit
  /** What keeps it from being met, in one sentence; shown while it is missed. */
  readonly bound?: string
}

export type Limit =
  /** Takes at most `max` times as long as another candidate. */
  | { readonly kind: 'ratio'; readonly against: string; readonly max: number }
  /** Is at least `min` times as fast as another candidate. */
  | { readonly kind: 'faster'; readonly against: string; readonly min: number }
  /** Takes at most so many microseconds. */
  | { readonly kind: 'time'; readonly max: number }
  /** Asks the platform for at most so much. */
  | { readonly kind: 'calls'; readonly max: number }
  | { readonly kind: 'lost'; readonly max: 0 }

/** The goals of the project, in the order in which they are shown. */
export const GOALS: readonly Goal[] = [
  ratio(
    'indexeddb-set-burst',
    'botshelf-relaxed',
    'plain-indexeddb',
    1.1,
    'Besides the puts, each value is checked and copied and each call has a promise of its own, in code that the engine has hardly compiled yet.',
  ),
  faster(
    'indexeddb-set-burst',
    'botshelf-relaxed',
    'idb-keyval',
    6.5,
    'One transaction by hand is the floor: see its row.',
  ),
  ratio('indexeddb-set-burst', 'botshelf', 'botshelf-relaxed', 1.15),
  ratio(
    'indexeddb-set-awaited',
    'botshelf-relaxed',
    'idb-keyval',
    0.85,
    'Each of these writes waits for the one before, and a series of them tells the other tabs that it is under way.',
  ),
  ratio(
    'indexeddb-get-burst',
    'botshelf-relaxed',
    'plain-indexeddb',
    1.2,
    'Besides the request, each call has a promise and a place in the queue, in code that the engine has hardly compiled yet.',
  ),
  faster(
    'indexeddb-get-burst',
    'botshelf-relaxed',
    'idb-keyval',
    2.4,
    'One transaction by hand is the floor: see its row.',
  ),
  ratio(
    'indexeddb-get-awaited',
    'botshelf-relaxed',
    'idb-keyval',
    1.0,
    'Both wait for one transaction after another; the difference is within the noise.',
  ),
  ratio('indexeddb-set-one', 'botshelf-relaxed', 'idb-keyval', 1.0),
  ratio(
    'indexeddb-get-one',
    'botshelf-relaxed',
    'idb-keyval',
    1.1,
    'Both wait for one transaction; the rest is the way through the queue.',
  ),
  ratio('indexeddb-handlers', 'botshelf-relaxed', 'idb-keyval', 0.35),
  lost('indexeddb-update-hot', 'botshelf-relaxed'),
  faster(
    'indexeddb-update-hot',
    'botshelf-relaxed',
    'idb-keyval',
    90,
    'One transaction serves all of them; what is left is copying: each function gets a copy, what it returns is copied and checked, and its caller gets another.',
  ),
  lost('indexeddb-update-distinct', 'botshelf-relaxed'),
  faster(
    'indexeddb-update-distinct',
    'botshelf-relaxed',
    'idb-keyval',
    7,
    'A thousand gets and a thousand puts in one transaction are the floor: see its row.',
  ),
  ratio(
    'indexeddb-keys',
    'botshelf-relaxed',
    BEST_PEER,
    1.2,
    'An async iterator hands out one key at a time, some microtasks each, where the others hand out one array; which keys have expired is read besides.',
  ),
  ratio(
    'indexeddb-entries',
    'botshelf-relaxed',
    BEST_PEER,
    1.2,
    'An async iterator hands out one entry at a time, and reads pages of 500, so that 10,000 entries need not fit into memory at once; the others hand out one array.',
  ),
  ratio(
    'indexeddb-clear',
    'botshelf-relaxed',
    BEST_PEER,
    1.2,
    'It is one call to the browser, as theirs; the index of expiries is cleared with it.',
  ),
  ratio(
    'indexeddb-open',
    'botshelf',
    'idb',
    1.1,
    'Opening checks that the database is ours and opens a channel to the other tabs, and there is more code to run for the first time.',
  ),
  ratio(
    'object-set',
    'botshelf-object',
    'one-rpc',
    1.4,
    'Each value is checked, copied and measured, and carries a version, which the batch by hand does without.',
  ),
  calls('object-set', 'botshelf-object', 1),
  ratio(
    'object-get',
    'botshelf-object',
    'one-rpc',
    1.25,
    'Each entry carries its version and expiry besides its value, and each call has a promise and a place in the queue.',
  ),
  calls('object-get', 'botshelf-object', 1),
  lost('object-update-hot', 'botshelf-object'),
  calls('object-update-hot', 'botshelf-object', 2),
  faster(
    'object-update-hot',
    'botshelf-object',
    'rpc-each',
    60,
    'One batch by hand is the floor: see its row.',
  ),
  ratio(
    'inside-set',
    'botshelf-inside',
    'kv-loop',
    1.4,
    'Each value is checked, copied and measured before it is stored, which the loop leaves to the storage.',
  ),
  ratio(
    'inside-get',
    'botshelf-inside',
    'kv-loop',
    1.25,
    'Each call has a promise and a place in the queue; the loop is synchronous.',
  ),
  calls('kv-get', 'botshelf-kv', 10),
  calls('kv-entries', 'botshelf-kv', 10),
  faster(
    'kv-entries',
    'botshelf-kv',
    'kv-bulk',
    15,
    "Each value is read from the codec's text, one by one.",
  ),
  ratio(
    'memory-set',
    'botshelf',
    'unstorage',
    0.6,
    'Each value is checked and copied, which keeps what JSON loses, and each call goes through the queue.',
  ),
  ratio(
    'memory-set-burst',
    'botshelf',
    'unstorage',
    0.6,
    'Each value is checked and copied, which keeps what JSON loses, and each call goes through the queue.',
  ),
  ratio(
    'memory-get',
    'botshelf',
    'unstorage',
    0.6,
    'Each call goes through the queue, which orders and joins; there is nothing to join with here.',
  ),
  ratio(
    'memory-get-burst',
    'botshelf',
    'unstorage',
    0.6,
    'A copy of each value, and a place in the queue for each call.',
  ),
  calls('open', 'botshelf-kv', 0),
  time('open', 'botshelf-kv', 20),
  calls('open', 'botshelf-object', 0),
  time('open', 'botshelf-object', 20),
  time('open', 'botshelf-inside', 20),
]

function ratio(
  workload: string,
  candidate: string,
  against: string,
  max: number,
  bound?: string,
): Goal {
  return goal(workload, candidate, { kind: 'ratio', against, max }, bound)
}

function faster(
  workload: string,
  candidate: string,
  against: string,
  min: number,
  bound?: string,
): Goal {
  return goal(workload, candidate, { kind: 'faster', against, min }, bound)
}

function time(workload: string, candidate: string, max: number, bound?: string): Goal {
  return goal(workload, candidate, { kind: 'time', max }, bound)
}

function calls(workload: string, candidate: string, max: number, bound?: string): Goal {
  return goal(workload, candidate, { kind: 'calls', max }, bound)
}

function lost(workload: string, candidate: string, bound?: string): Goal {
  return goal(workload, candidate, { kind: 'lost', max: 0 }, bound)
}

function goal(workload: string, candidate: string, holds: Limit, bound?: string): Goal {
  return { workload, candidate, holds, ...(bound !== undefined && { bound }) }
}
