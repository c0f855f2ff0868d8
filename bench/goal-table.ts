import { atMost, atMostBytes, atMostCalls, BEST_PEER, fasterThan, type Goal } from './goal.ts'

/** A line of the table that a report begins with. Its figures are separated by slashes. */
export interface GoalRow {
  /** Names the workloads in the order of the goals, and what they are compared with. */
  readonly title: string
  readonly goals: readonly TableGoal[]
}

/** A goal, with the figure from before and the best that may be possible, in the limit's unit. */
export interface TableGoal extends Goal {
  readonly before: number
  readonly moonshot?: number
}

/**
 * The goals of the project, as medians of ratios in one run. What was before is from the report
 * of 2026-11-28, the last one before these goals; for workloads that it did not have, its code was
 * measured later.
 */
export const GOAL_TABLE: readonly GoalRow[] = [
  {
    title: 'Memory, awaited `set` / `get`, against unstorage',
    goals: [
      {
        workload: 'memory-set',
        candidate: 'botshelf',
        limit: atMost(0.55, 'unstorage'),
        before: 1.1,
        moonshot: 0.45,
        reason:
          'botshelf checks and copies each value, so that types that JSON loses are kept, and each call passes the checks of a store that may close.',
      },
      {
        workload: 'memory-get',
        candidate: 'botshelf',
        limit: atMost(0.6, 'unstorage'),
        before: 1.26,
        moonshot: 0.4,
        reason:
          'botshelf copies the value object by object; unstorage parses JSON, which the engine does in native code.',
      },
    ],
  },
  {
    title: 'Memory, 1,000 at once, `set` / `get`, against unstorage',
    goals: [
      {
        workload: 'memory-set-burst',
        candidate: 'botshelf',
        limit: atMost(0.6, 'unstorage'),
        before: 1.12,
        moonshot: 0.45,
        reason:
          'botshelf checks and copies each value, so that types that JSON loses are kept, and each call passes the checks of a store that may close.',
      },
      {
        workload: 'memory-get-burst',
        candidate: 'botshelf',
        limit: atMost(0.6, 'unstorage'),
        before: 1.64,
        moonshot: 0.5,
        reason:
          'botshelf copies the value object by object; unstorage parses JSON, which the engine does in native code.',
      },
    ],
  },
  {
    title:
      'Memory, 1,000 `update` on 10 keys, against a `Map` with `structuredClone` in and out and a mutex',
    goals: [
      {
        workload: 'memory-update-hot',
        candidate: 'botshelf',
        limit: atMost(1, 'map'),
        before: 1.44,
        moonshot: 0.6,
        reason:
          'An update copies its value more often than the baseline: for the updater, for the store and for the caller.',
      },
    ],
  },
  {
    title: 'Inside an object, 1,000 `set` / `get`, against a `ctx.storage.kv` loop',
    goals: [
      {
        workload: 'inside-set',
        candidate: 'botshelf-inside',
        limit: atMost(1.7, 'kv-loop'),
        before: 2.38,
        moonshot: 1.4,
        reason:
          'botshelf validates, copies and measures each value and stores a version with it, which the loop leaves to the storage.',
      },
      {
        workload: 'inside-get',
        candidate: 'botshelf-inside',
        limit: atMost(1.15, 'kv-loop'),
        before: 1.42,
        moonshot: 1.05,
        reason:
          'Each entry carries its version and expiry, and each call has a promise; the loop is synchronous.',
      },
    ],
  },
  {
    title: 'Worker → object, 1,000 `set` / `get`, against one batch RPC',
    goals: [
      {
        workload: 'object-set',
        candidate: 'botshelf-object',
        limit: atMost(1.5, 'one-rpc'),
        before: 2.16,
        moonshot: 1.3,
        reason:
          'botshelf validates, copies and measures each value and stores a version with it, which the batch RPC does not.',
      },
      {
        workload: 'object-get',
        candidate: 'botshelf-object',
        limit: atMost(1.15, 'one-rpc'),
        before: 1.48,
        moonshot: 1.05,
        reason:
          'Each entry carries its version and expiry, and each call has a promise and a queue entry.',
      },
    ],
  },
  {
    title: 'IndexedDB, 1,000 at once, `set` / `get`, against one transaction by hand',
    goals: [
      {
        workload: 'indexeddb-set-burst',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.1, 'plain-indexeddb'),
        before: 1.42,
        moonshot: 1,
        reason:
          'In addition to the requests, botshelf validates and copies each value and creates a promise per call, in code that the engine has barely optimized yet.',
      },
      {
        workload: 'indexeddb-get-burst',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.2, 'plain-indexeddb'),
        before: 1.18,
        moonshot: 1.05,
        reason:
          'In addition to the requests, botshelf validates and copies each value and creates a promise per call, in code that the engine has barely optimized yet.',
      },
    ],
  },
  {
    title: 'IndexedDB, awaited `get`, against idb-keyval / by hand',
    goals: [
      {
        workload: 'indexeddb-get-awaited',
        candidate: 'botshelf-relaxed',
        limit: atMost(0.7, 'idb-keyval'),
        before: 1.09,
        moonshot: 0.55,
        reason:
          'A `get` shares the transaction of the previous one only if it begins in the microtasks of its answer.',
      },
      {
        workload: 'indexeddb-get-awaited',
        candidate: 'botshelf-relaxed',
        limit: atMost(0.7, 'plain-indexeddb'),
        before: 1.22,
        moonshot: 0.55,
        reason:
          'A `get` shares the transaction of the previous one only if it begins in the microtasks of its answer.',
      },
    ],
  },
  {
    title: 'IndexedDB, awaited `set`, single `set` / `get`, against idb-keyval',
    goals: [
      {
        workload: 'indexeddb-set-awaited',
        candidate: 'botshelf-relaxed',
        limit: atMost(0.9, 'idb-keyval'),
        before: 1.04,
        moonshot: 0.75,
        reason:
          'Each write waits for the previous one, and a series of writes notifies the other tabs.',
      },
      {
        workload: 'indexeddb-set-one',
        candidate: 'botshelf-relaxed',
        limit: atMost(0.95, 'idb-keyval'),
        before: 1.09,
        moonshot: 0.9,
        reason:
          'Both wait for one transaction; the rest is the cost of the queue and of the notice to other tabs.',
      },
      {
        workload: 'indexeddb-get-one',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.05, 'idb-keyval'),
        before: 1.21,
        moonshot: 0.95,
        reason: 'Both wait for one transaction; the rest is the cost of the queue.',
      },
    ],
  },
  {
    title: 'IndexedDB, 1,000 `update` on 10 keys, against one transaction by hand',
    goals: [
      {
        workload: 'indexeddb-update-hot',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.9, 'plain-indexeddb'),
        before: 3.28,
        moonshot: 1.4,
        reason:
          'One transaction serves all updates, and copying dominates: each updater receives a copy, its result is validated and copied, and its caller receives another copy.',
      },
    ],
  },
  {
    title: '… the first 1,000 after a page load, cold code, against idb-keyval',
    goals: [
      {
        workload: 'indexeddb-update-first',
        candidate: 'botshelf-relaxed',
        limit: fasterThan(30, 'idb-keyval'),
        before: 16.9,
        moonshot: 60,
        reason:
          'The engine runs the code of the queue and of the copies for the first time, and interprets it.',
      },
    ],
  },
  {
    title: 'IndexedDB, `keys` / `entries` / `clear` of 10,000, against the best peer',
    goals: [
      {
        workload: 'indexeddb-keys',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.1, BEST_PEER),
        before: 1.6,
        moonshot: 0.9,
        reason:
          'An async iterator yields one key at a time and takes some microtasks for each, where the others return one array; botshelf also reads which keys have expired.',
      },
      {
        workload: 'indexeddb-entries',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.1, BEST_PEER),
        before: 1.32,
        moonshot: 0.9,
        reason:
          'An async iterator yields one entry at a time and reads pages, so that 10,000 entries need not fit into memory at once; the others return one array.',
      },
      {
        workload: 'indexeddb-clear',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.05, BEST_PEER),
        before: 1.01,
        moonshot: 0.9,
        reason:
          'botshelf makes one call to the browser, as the others do, which also clears the index of expiries.',
      },
    ],
  },
  {
    title: 'IndexedDB, cold open and first `get`, against idb',
    goals: [
      {
        workload: 'indexeddb-open',
        candidate: 'botshelf',
        limit: atMost(1.15, 'idb'),
        before: 1.72,
        moonshot: 1,
        reason:
          'botshelf also checks that it created the database and opens a channel to the other tabs, and the engine compiles more code.',
      },
    ],
  },
  {
    title: 'KV, calls for 1,000 `get` / entries of 10,000',
    goals: [
      { workload: 'kv-get', candidate: 'botshelf-kv', limit: atMostCalls(10), before: 10 },
      { workload: 'kv-entries', candidate: 'botshelf-kv', limit: atMostCalls(10), before: 10 },
    ],
  },
  {
    title:
      'Copying a 200 B value: in, measured / in, not measured / out, against the previous copy',
    goals: [
      {
        workload: 'copy-measured',
        candidate: 'botshelf',
        limit: atMost(0.75, 'previous-copy'),
        before: 1,
        moonshot: 0.6,
        reason:
          'Every object is checked and recorded for shared references, and every text is measured.',
      },
      {
        workload: 'copy-unmeasured',
        candidate: 'botshelf',
        limit: atMost(0.6, 'previous-copy'),
        before: 1,
        moonshot: 0.45,
        reason: 'Every object is checked and recorded for shared references.',
      },
      {
        workload: 'copy-out',
        candidate: 'botshelf',
        limit: atMost(0.5, 'previous-copy'),
        before: 1,
        moonshot: 0.4,
        reason: 'Every object is recorded for shared references.',
      },
    ],
  },
  {
    title: 'Codec in Node, 200 B: encode / decode, 12 kB: encode / decode, against `JSON`',
    goals: [
      {
        workload: 'codec-encode-200',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 2.04,
        moonshot: 1,
        reason:
          "botshelf walks the value to keep the types that JSON loses, before and after the engine's JSON.",
      },
      {
        workload: 'codec-decode-200',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 3.48,
        moonshot: 1,
        reason:
          "botshelf walks the value to keep the types that JSON loses, before and after the engine's JSON.",
      },
      {
        workload: 'codec-encode-12000',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 2.15,
        moonshot: 1,
        reason:
          "botshelf walks the value to keep the types that JSON loses, before and after the engine's JSON.",
      },
      {
        workload: 'codec-decode-12000',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 4.12,
        moonshot: 1,
        reason:
          "botshelf walks the value to keep the types that JSON loses, before and after the engine's JSON.",
      },
    ],
  },
  {
    title: 'Codec in workerd, 200 B: encode / decode, 12 kB: encode / decode, against `JSON`',
    goals: [
      {
        workload: 'codec-workerd-encode-200',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 1.71,
        moonshot: 1,
        reason:
          "botshelf walks the value to keep the types that JSON loses, before and after the engine's JSON.",
      },
      {
        workload: 'codec-workerd-decode-200',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 7.26,
        moonshot: 1,
        reason:
          "botshelf walks the value to keep the types that JSON loses, before and after the engine's JSON.",
      },
      {
        workload: 'codec-workerd-encode-12000',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 1.91,
        moonshot: 1,
        reason:
          "botshelf walks the value to keep the types that JSON loses, before and after the engine's JSON.",
      },
      {
        workload: 'codec-workerd-decode-12000',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 6.33,
        moonshot: 1,
        reason:
          "botshelf walks the value to keep the types that JSON loses, before and after the engine's JSON.",
      },
    ],
  },
  {
    title: 'brotli: core / with IndexedDB and idb / with DurableObject',
    goals: [
      {
        workload: 'size',
        candidate: 'core',
        limit: atMostBytes(10_400),
        before: 16_647,
        moonshot: 9000,
      },
      {
        workload: 'size',
        candidate: 'core + IndexedDB + idb',
        limit: atMostBytes(16_400),
        before: 25_082,
        moonshot: 15_000,
      },
      {
        workload: 'size',
        candidate: 'core + DurableObject',
        limit: atMostBytes(13_000),
        before: 21_745,
        moonshot: 11_500,
      },
    ],
  },
]
