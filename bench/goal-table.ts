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

const PER_CALL = 'Each call takes the steps of a single one.'

const MEMORY_SET =
  'In a CPU profile in Node, garbage collection takes 27 % of the time with 100,000 stored entries. Listing the own keys of the array, to find properties besides elements, takes 11 to 26 % of a copy; the other checks and the copy itself are most of the rest. A `Map` with `structuredClone` takes about as long: see its row.'

const MEMORY_GET = 'In a CPU profile in Node, copying the value takes nearly all of the time.'

const SET_CALL =
  'From the call to the transaction, a single `set` takes 71 µs in a trace (idb-keyval: 5 to 10 µs), 35 of them to check and copy the value, and from the answer to the caller 37 µs (18 µs): about 40 functions of the queue, its promises and the time limit, at 0.3 to 3 µs each.'

const AWAITED_SET =
  'In a CPU profile in Chromium, of 1.2 ms per awaited `set`, waiting for the browser takes 55 %, `transaction()`, `put()` and `commit()` 24 %, garbage collection 3 % and the code of botshelf about 6 %. With plain IndexedDB, the index of expiries makes an awaited `put` 1.03 to 1.09 times as long (three runs of 40 to 80 alternating rounds), and `commit()` saves 8 %.'

const GET_CALL =
  'From the call to the transaction, a single `get` takes 44 µs in a trace (idb-keyval: 8 µs), and from the answer to the caller 42 µs (29 µs): about 40 functions of the queue, its promises and the time limit, at 0.3 to 3 µs each.'

/** The cause for updates of few keys in warm code. */
export const UPDATE_HOT =
  'In a profile of 1,000 updates, the calls take 1.4 ms and the replay 11 ms, most of it for two copies per update: one for the updater, and one checked of its result. One transaction by hand copies nothing.'

const COPY_IN =
  'Left out one after another, in shares of the previous copy: listing the own keys of the array, to find properties besides elements, takes 0.26 to 0.30, the check of the Date for such properties 0.07, the checks of plain objects for symbols and hidden properties 0.05 to 0.07, and recording objects for shared references 0.03 to 0.04. `Object.keys` with `getOwnPropertySymbols` would take 0.77 of `Reflect.ownKeys`, but miss a property that is not enumerable.'

const ENCODE =
  'In a CPU profile in Node, the checked copy takes a third of the time, the walk that keeps what JSON loses 28 % of small and 36 % of large values, and `JSON.stringify` 18 %.'

const DECODE =
  'In multiples of `JSON.parse`, the walk that restores what JSON loses takes 0.15, and `new Date()` 0.15 to 0.3.'

const SIZE =
  "Of the core's 16.6 kB, the queue with batches, replays, turns and recovery takes 5.1 kB, the store's methods with the checks of their arguments 3.8 kB, checking and copying values 2.3 kB, registry and configuration 1 kB, schemas 0.6 kB, time limits 0.5 kB and observation 0.4 to 0.5 kB. With stubs for all of the last four, 14 kB are left."

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
        reason: MEMORY_SET,
      },
      {
        workload: 'memory-get',
        candidate: 'botshelf',
        limit: atMost(0.6, 'unstorage'),
        before: 1.26,
        moonshot: 0.4,
        reason: MEMORY_GET,
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
        reason: MEMORY_SET,
      },
      {
        workload: 'memory-get-burst',
        candidate: 'botshelf',
        limit: atMost(0.6, 'unstorage'),
        before: 1.64,
        moonshot: 0.5,
        reason: MEMORY_GET,
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
          'In a CPU profile in Node, the two copies per update, one for the updater and one checked of its result, take 46 % of the time, the queue 9 % and garbage collection 8 %.',
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
          'Of the samples of a profile, `kv.put` with the closure that calls it takes 59 % and the checked copy 17 %; to store version and expiry makes a `put` 1.08 to 1.14 × a plain one.',
      },
      {
        workload: 'inside-get',
        candidate: 'botshelf-inside',
        limit: atMost(1.15, 'kv-loop'),
        before: 1.42,
        moonshot: 1.05,
        reason:
          'In a micro-benchmark, to decode the tuple of value, version and expiry makes a read 1.05 to 1.07 × a plain one, and an async function with its promise 1.1 ×.',
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
          'Of the samples of a profile, `kv.put` in the object takes 26 %, serializing the message 13 % and copying 10 %.',
      },
      {
        workload: 'object-get',
        candidate: 'botshelf-object',
        limit: atMost(1.15, 'one-rpc'),
        before: 1.48,
        moonshot: 1.05,
        reason:
          'Of the samples of a profile, reading in the object takes 34 %, RPC 16 % and waiting 26 %; most of the rest are the queue and its promises.',
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
        reason: `${PER_CALL} ${SET_CALL}`,
      },
      {
        workload: 'indexeddb-get-burst',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.2, 'plain-indexeddb'),
        before: 1.18,
        moonshot: 1.05,
        reason: `${PER_CALL} ${GET_CALL}`,
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
        reason: `16 transactions serve 1,000 calls. ${PER_CALL} ${GET_CALL}`,
      },
      {
        workload: 'indexeddb-get-awaited',
        candidate: 'botshelf-relaxed',
        limit: atMost(0.7, 'plain-indexeddb'),
        before: 1.22,
        moonshot: 0.55,
        reason: `16 transactions serve 1,000 calls. ${PER_CALL} ${GET_CALL}`,
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
        reason: AWAITED_SET,
      },
      {
        workload: 'indexeddb-set-one',
        candidate: 'botshelf-relaxed',
        limit: atMost(0.95, 'idb-keyval'),
        before: 1.09,
        moonshot: 0.9,
        reason: SET_CALL,
      },
      {
        workload: 'indexeddb-get-one',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.05, 'idb-keyval'),
        before: 1.21,
        moonshot: 0.95,
        reason: GET_CALL,
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
        reason: UPDATE_HOT,
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
          'Of 67 ms in a profile, the calls take 12 ms, the replay 38 ms and garbage collection 3 ms. With copies replaced by the identity, the time falls to 0.61 of it.',
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
          '`getAllKeys` itself takes as long as that of a peer. The index of expiries adds 0.3 to 0.5 ms, and an async generator takes 1.3 ms for 10,000 items.',
      },
      {
        workload: 'indexeddb-entries',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.1, BEST_PEER),
        before: 1.32,
        moonshot: 0.9,
        reason:
          'In a CPU profile in Chromium of 147 ms, waiting for the browser takes 65 ms, converting the values from their serialized form 37 ms, which overlaps with the waiting if a core is free, and garbage collection 11 ms. botshelf reads pages, in 21 transactions; a peer reads all entries in one.',
      },
      {
        workload: 'indexeddb-clear',
        candidate: 'botshelf-relaxed',
        limit: atMost(1.05, BEST_PEER),
        before: 1.01,
        moonshot: 0.9,
        reason:
          'botshelf makes one transaction with one `clear()`, as the peers do. With plain IndexedDB, the index of expiries makes it 1.12 to 1.13 times as long (two runs of 40 and 80 alternating rounds of 3,000 entries).',
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
          'In traces of code that just loaded, about 45 functions run for the first time before the request is sent, at 0.03 to 0.2 ms each: 2.0 ms (idb: 0.4 ms). The browser answers after 5.6 ms (idb: 3.3 ms), while timers and the storage are created. From the answer to the request of the first `get`, the check of the format and the identity take 1.1 ms, and 35 first calls through the queue most of the others: 3.7 ms (idb: 1.2 ms).',
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
        reason: COPY_IN,
      },
      {
        workload: 'copy-unmeasured',
        candidate: 'botshelf',
        limit: atMost(0.6, 'previous-copy'),
        before: 1,
        moonshot: 0.45,
        reason: COPY_IN,
      },
      {
        workload: 'copy-out',
        candidate: 'botshelf',
        limit: atMost(0.5, 'previous-copy'),
        before: 1,
        moonshot: 0.4,
        reason:
          'In a micro-benchmark, the Date takes 45 ns of a copy, and recording objects for shared references 40 ns.',
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
        reason: ENCODE,
      },
      {
        workload: 'codec-decode-200',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 3.48,
        moonshot: 1,
        reason: DECODE,
      },
      {
        workload: 'codec-encode-12000',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 2.15,
        moonshot: 1,
        reason: ENCODE,
      },
      {
        workload: 'codec-decode-12000',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 4.12,
        moonshot: 1,
        reason: DECODE,
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
        reason: ENCODE,
      },
      {
        workload: 'codec-workerd-decode-200',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 7.26,
        moonshot: 1,
        reason: DECODE,
      },
      {
        workload: 'codec-workerd-encode-12000',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 1.91,
        moonshot: 1,
        reason: ENCODE,
      },
      {
        workload: 'codec-workerd-decode-12000',
        candidate: 'botshelf',
        limit: atMost(1.5, 'json'),
        before: 6.33,
        moonshot: 1,
        reason: DECODE,
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
        reason: SIZE,
      },
      {
        workload: 'size',
        candidate: 'core + IndexedDB + idb',
        limit: atMostBytes(16_400),
        before: 25_082,
        moonshot: 15_000,
        reason: SIZE,
      },
      {
        workload: 'size',
        candidate: 'core + DurableObject',
        limit: atMostBytes(13_000),
        before: 21_745,
        moonshot: 11_500,
        reason: SIZE,
      },
    ],
  },
]
