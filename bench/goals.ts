/** The best median among the libraries that take part. */
export const BEST_PEER = 'best peer'

/** Something that is to hold of a workload, in every run anew. */
export interface Goal {
  readonly workload: string
  readonly contender: string
  readonly holds: Limit
  /** What keeps it from being met, in one sentence; shown while it is missed. */
  readonly bound?: string
}

export type Limit =
  /** Takes at most `max` times as long as another contender. */
  | { readonly kind: 'ratio'; readonly against: string; readonly max: number }
  /** Is at least `min` times as fast as another contender. */
  | { readonly kind: 'faster'; readonly against: string; readonly min: number }
  /** Takes at most so many microseconds. */
  | { readonly kind: 'time'; readonly max: number }
  /** Asks the platform for at most so much. */
  | { readonly kind: 'calls'; readonly max: number }
  | { readonly kind: 'lost'; readonly max: 0 }

/** The goals of the project, in the order in which they are shown. */
export const GOALS: readonly Goal[] = [
  ratio('indexeddb-set-burst', 'botshelf-relaxed', 'raw', 1.1),
  faster('indexeddb-set-burst', 'botshelf-relaxed', 'idb-keyval', 6.5),
  ratio('indexeddb-set-burst', 'botshelf', 'botshelf-relaxed', 1.15),
  ratio('indexeddb-set-awaited', 'botshelf-relaxed', 'idb-keyval', 0.85),
  ratio('indexeddb-get-burst', 'botshelf-relaxed', 'raw', 1.2),
  faster('indexeddb-get-burst', 'botshelf-relaxed', 'idb-keyval', 2.4),
  ratio('indexeddb-get-awaited', 'botshelf-relaxed', 'idb-keyval', 1.0),
  ratio('indexeddb-set-one', 'botshelf-relaxed', 'idb-keyval', 1.0),
  ratio('indexeddb-get-one', 'botshelf-relaxed', 'idb-keyval', 1.1),
  ratio('indexeddb-handlers', 'botshelf-relaxed', 'idb-keyval', 0.35),
  lost('indexeddb-update-hot', 'botshelf-relaxed'),
  faster('indexeddb-update-hot', 'botshelf-relaxed', 'idb-keyval', 90),
  lost('indexeddb-update-distinct', 'botshelf-relaxed'),
  faster('indexeddb-update-distinct', 'botshelf-relaxed', 'idb-keyval', 7),
  ratio('indexeddb-keys', 'botshelf-relaxed', BEST_PEER, 1.2),
  ratio('indexeddb-entries', 'botshelf-relaxed', BEST_PEER, 1.2),
  ratio('indexeddb-clear', 'botshelf-relaxed', BEST_PEER, 1.2),
  ratio('indexeddb-open', 'botshelf', 'idb', 1.1),
  ratio('object-set', 'botshelf-object', 'one-rpc', 1.4),
  calls('object-set', 'botshelf-object', 1),
  ratio('object-get', 'botshelf-object', 'one-rpc', 1.25),
  calls('object-get', 'botshelf-object', 1),
  lost('object-update-hot', 'botshelf-object'),
  calls('object-update-hot', 'botshelf-object', 2),
  faster('object-update-hot', 'botshelf-object', 'rpc-each', 60),
  ratio('inside-set', 'botshelf-inside', 'kv-loop', 1.4),
  ratio('inside-get', 'botshelf-inside', 'kv-loop', 1.25),
  calls('kv-get', 'botshelf-kv', 10),
  calls('kv-entries', 'botshelf-kv', 10),
  faster('kv-entries', 'botshelf-kv', 'kv-bulk', 15),
  ratio('memory-set', 'botshelf', 'unstorage', 0.6),
  ratio('memory-set-burst', 'botshelf', 'unstorage', 0.6),
  ratio('memory-get', 'botshelf', 'unstorage', 0.6),
  ratio('memory-get-burst', 'botshelf', 'unstorage', 0.6),
  calls('open', 'botshelf-kv', 0),
  time('open', 'botshelf-kv', 20),
  calls('open', 'botshelf-object', 0),
  time('open', 'botshelf-object', 20),
  time('open', 'botshelf-inside', 20),
]

function ratio(
  workload: string,
  contender: string,
  against: string,
  max: number,
  bound?: string,
): Goal {
  return goal(workload, contender, { kind: 'ratio', against, max }, bound)
}

function faster(
  workload: string,
  contender: string,
  against: string,
  min: number,
  bound?: string,
): Goal {
  return goal(workload, contender, { kind: 'faster', against, min }, bound)
}

function time(workload: string, contender: string, max: number, bound?: string): Goal {
  return goal(workload, contender, { kind: 'time', max }, bound)
}

function calls(workload: string, contender: string, max: number, bound?: string): Goal {
  return goal(workload, contender, { kind: 'calls', max }, bound)
}

function lost(workload: string, contender: string, bound?: string): Goal {
  return goal(workload, contender, { kind: 'lost', max: 0 }, bound)
}

function goal(workload: string, contender: string, holds: Limit, bound?: string): Goal {
  return { workload, contender, holds, ...(bound !== undefined && { bound }) }
}
