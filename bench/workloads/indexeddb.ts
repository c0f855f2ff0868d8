import type { Workload } from '../workload.ts'

const OURS = ['botshelf-relaxed', 'botshelf']
const PEERS = ['idb-keyval', 'idb', 'dexie', 'localforage', 'unstorage']
const BATCH_APIS = ['idb-keyval-many', 'idb-transaction', 'dexie-bulk']
const PER_CALL_CANDIDATES = [...OURS, 'plain-indexeddb', ...PEERS]
const BURST_CANDIDATES = [...PER_CALL_CANDIDATES, ...BATCH_APIS]
const LISTING_CANDIDATES = ['botshelf-relaxed', 'plain-indexeddb', ...PEERS]
const GROWTH_CANDIDATES = [
  'botshelf-relaxed',
  'plain-indexeddb',
  'idb-keyval',
  'idb-keyval-many',
  'dexie',
]

export const INDEXEDDB: readonly Workload[] = [
  {
    id: 'indexeddb-set-burst',
    group: 'indexeddb',
    title: 'IndexedDB, 1000 concurrent `set`',
    task: { op: 'set', count: 1000 },
    candidates: BURST_CANDIDATES,
    baseline: 'plain-indexeddb',
  },
  {
    id: 'indexeddb-set-awaited',
    group: 'indexeddb',
    title: 'IndexedDB, 1000 awaited `set`',
    task: { op: 'set', count: 1000, awaited: true },
    candidates: PER_CALL_CANDIDATES,
    baseline: 'plain-indexeddb',
    rounds: 5,
  },
  {
    id: 'indexeddb-get-burst',
    group: 'indexeddb',
    title: 'IndexedDB, 1000 concurrent `get`',
    task: { op: 'get', count: 1000 },
    candidates: BURST_CANDIDATES,
    baseline: 'plain-indexeddb',
  },
  {
    id: 'indexeddb-get-awaited',
    group: 'indexeddb',
    title: 'IndexedDB, 1000 awaited `get`',
    task: { op: 'get', count: 1000, awaited: true },
    candidates: PER_CALL_CANDIDATES,
    baseline: 'plain-indexeddb',
  },
  {
    id: 'indexeddb-set-one',
    group: 'indexeddb',
    title: 'IndexedDB, a single `set`',
    task: { op: 'set', count: 1, stored: 1000, repeat: 50 },
    candidates: PER_CALL_CANDIDATES,
    baseline: 'plain-indexeddb',
  },
  {
    id: 'indexeddb-get-one',
    group: 'indexeddb',
    title: 'IndexedDB, a single `get`',
    task: { op: 'get', count: 1, stored: 1000, repeat: 50 },
    candidates: PER_CALL_CANDIDATES,
    baseline: 'plain-indexeddb',
  },
  {
    id: 'indexeddb-handlers',
    group: 'indexeddb',
    title: 'IndexedDB, 20 handlers of get, get, set at once',
    task: { op: 'handlers', count: 20, repeat: 10 },
    candidates: PER_CALL_CANDIDATES,
    baseline: 'plain-indexeddb',
  },
  {
    id: 'indexeddb-update-hot',
    group: 'indexeddb',
    title: 'IndexedDB, 1000 concurrent `update` on 10 keys',
    task: { op: 'update', count: 1000, keys: 10 },
    candidates: ['botshelf-relaxed', 'plain-indexeddb', 'idb-keyval', 'idb', 'localforage'],
    baseline: 'plain-indexeddb',
    rounds: 5,
  },
  {
    id: 'indexeddb-update-distinct',
    group: 'indexeddb',
    title: 'IndexedDB, 1000 concurrent `update` on 1000 keys',
    task: { op: 'update', count: 1000 },
    candidates: ['botshelf-relaxed', 'plain-indexeddb', 'idb-keyval', 'idb'],
    baseline: 'plain-indexeddb',
    rounds: 3,
  },
  {
    id: 'indexeddb-hot-tabs',
    group: 'indexeddb-tabs',
    title: 'IndexedDB, 90 `update` of 20 ms on 3 keys, of two tabs or one',
    task: { op: 'update', count: 90, keys: 3, updaterMs: 20 },
    candidates: ['botshelf-two-tabs', 'botshelf-one-tab'],
    baseline: 'botshelf-one-tab',
    rounds: 3,
  },
  ...listingWorkloads(),
  {
    id: 'indexeddb-open',
    group: 'indexeddb-cold',
    title: 'IndexedDB, cold open and first `get`',
    task: { op: 'open', count: 1 },
    candidates: ['botshelf', 'plain-indexeddb', ...PEERS],
    baseline: 'plain-indexeddb',
  },
  {
    id: 'indexeddb-update-first',
    group: 'indexeddb-reload',
    title: 'IndexedDB, the first 1000 `update` of a page, on 10 keys',
    task: { op: 'update', count: 1000, keys: 10 },
    candidates: ['botshelf-relaxed', 'plain-indexeddb', 'idb-keyval'],
    baseline: 'plain-indexeddb',
  },
  ...growthWorkloads(),
]

/** Reads one database. What is cleared has another, which is filled again before each sample. */
function listingWorkloads(): readonly Workload[] {
  return (['keys', 'entries', 'clear'] as const).map((op) => ({
    id: `indexeddb-${op}`,
    group: op === 'clear' ? 'indexeddb-clear' : 'indexeddb-listing',
    title: `IndexedDB, ${op} of 10,000`,
    task: { op, count: 10_000 },
    candidates: LISTING_CANDIDATES,
    baseline: 'plain-indexeddb',
    database: 'listing',
    ...(op === 'clear' && { rounds: 3 }),
  }))
}

function growthWorkloads(): readonly Workload[] {
  const base = { group: 'indexeddb-growth', baseline: 'plain-indexeddb', rounds: 3 } as const
  const bursts = [1, 10, 100, 1000, 10_000].flatMap((count): Workload[] =>
    (['set', 'get'] as const).map((op) => ({
      ...base,
      ...(count > 1000 && { rounds: 2 }),
      id: `indexeddb-burst-${op}-${count}`,
      title: `IndexedDB, ${count} concurrent ${op}`,
      task: { op, count, ...(count < 1000 && { repeat: 1000 / count / (count === 1 ? 20 : 10) }) },
      // Ten thousand transactions take 12 s and more.
      candidates: GROWTH_CANDIDATES.filter(
        (id) => count <= 1000 || (id !== 'dexie' && id !== 'idb-keyval'),
      ),
      growth: { table: `IndexedDB, \`${op}\` at once, ms`, at: count.toLocaleString('en') },
    })),
  )
  const stored = [1000, 10_000, 50_000].flatMap((count): Workload[] => {
    const database = `stored-${count}`
    const at = `${count.toLocaleString('en')} stored`
    const candidates = ['botshelf-relaxed', 'plain-indexeddb', 'idb-keyval']
    const singleGet = { count: 1, stored: count, repeat: 20 }
    return [
      {
        ...base,
        id: `indexeddb-stored-get-${count}`,
        title: `IndexedDB, 1000 concurrent get of ${count}`,
        task: { op: 'get', count: 1000, stored: count },
        candidates,
        database,
        growth: { table: 'IndexedDB, 1000 `get` at once, ms', at },
      },
      {
        ...base,
        id: `indexeddb-stored-one-${count}`,
        title: `IndexedDB, a single get of ${count}`,
        task: { op: 'get', ...singleGet },
        candidates,
        database,
        growth: { table: 'IndexedDB, a single `get`, ms', at },
      },
      {
        ...base,
        id: `indexeddb-stored-keys-${count}`,
        title: `IndexedDB, keys of ${count}`,
        task: { op: 'keys', count },
        candidates,
        database,
        growth: { table: 'IndexedDB, `keys`, ms', at },
      },
    ]
  })
  const sizes = [
    { bytes: 200, at: '200 B', count: 100 },
    { bytes: 10_000, at: '10 kB', count: 100 },
    { bytes: 1_000_000, at: '1 MB', count: 5 },
  ].flatMap(({ bytes, at, count }): Workload[] =>
    (['set', 'get'] as const).map((op) => ({
      ...base,
      id: `indexeddb-size-${op}-${bytes}`,
      title: `IndexedDB, ${count} concurrent ${op} of ${at}`,
      task: { op, count, bytes },
      candidates: GROWTH_CANDIDATES,
      growth: { table: `IndexedDB, \`${op}\` at once by size, ms`, at: `${count} of ${at}` },
    })),
  )
  return [...bursts, ...stored, ...sizes]
}
