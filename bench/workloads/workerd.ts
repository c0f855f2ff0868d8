import type { Workload } from '../workload.ts'

const KV_CANDIDATES = ['botshelf-kv', 'kv-bulk', 'kv-each', 'unstorage', 'unstorage-items']
const WORKER_CANDIDATES = ['botshelf-object', 'one-rpc', 'rpc-each']
const INSIDE_CANDIDATES = ['botshelf-inside', 'kv-loop', 'put-get']

export const WORKERD: readonly Workload[] = [
  {
    id: 'object-set',
    group: 'object',
    title: 'Worker → object, 1000 concurrent `set`',
    task: { op: 'set', count: 1000 },
    candidates: WORKER_CANDIDATES,
    baseline: 'one-rpc',
  },
  {
    id: 'object-get',
    group: 'object',
    title: 'Worker → object, 1000 concurrent `get`',
    task: { op: 'get', count: 1000 },
    candidates: WORKER_CANDIDATES,
    baseline: 'one-rpc',
  },
  {
    id: 'object-update-hot',
    group: 'object',
    title: 'Worker → object, 1000 concurrent `update` on 10 keys',
    task: { op: 'update', count: 1000, keys: 10 },
    candidates: WORKER_CANDIDATES,
    baseline: 'one-rpc',
  },
  {
    id: 'inside-set',
    group: 'object',
    title: 'Inside the object, 1000 concurrent `set`',
    task: { op: 'set', count: 1000 },
    candidates: INSIDE_CANDIDATES,
    baseline: 'kv-loop',
  },
  {
    id: 'inside-get',
    group: 'object',
    title: 'Inside the object, 1000 concurrent `get`',
    task: { op: 'get', count: 1000 },
    candidates: INSIDE_CANDIDATES,
    baseline: 'kv-loop',
  },
  ...hotKeyWorkloads(),
  ...growthWorkloads(),
  {
    id: 'kv-get',
    group: 'kv',
    title: 'KV, 1000 concurrent `get`',
    task: { op: 'get', count: 1000 },
    candidates: KV_CANDIDATES,
    baseline: 'kv-bulk',
  },
  {
    id: 'kv-entries-1000',
    group: 'kv',
    title: 'KV, entries of 1000 small values',
    task: { op: 'entries', count: 1000 },
    candidates: ['botshelf-kv', 'kv-bulk', 'unstorage'],
    baseline: 'kv-bulk',
  },
  {
    // Without unstorage, which makes 10,010 calls: an invocation may make 1,000.
    id: 'kv-entries',
    group: 'kv',
    title: 'KV, entries of 10,000 small values',
    task: { op: 'entries', count: 10_000 },
    candidates: ['botshelf-kv', 'kv-bulk'],
    baseline: 'kv-bulk',
  },
  {
    id: 'open',
    group: 'open',
    title: 'Open a runtime and a namespace',
    task: { op: 'open', count: 1 },
    candidates: ['botshelf-kv', 'botshelf-object', 'botshelf-inside'],
  },
]

/**
 * Clients that change one key at once, over a network where a call takes 20 ms more. With 500 of
 * them, which take 12 s, only calls, conflicts and lost updates are counted.
 */
function hotKeyWorkloads(): readonly Workload[] {
  return (['update', 'increment'] as const).flatMap((op) =>
    [1, 20, 100, 500].map((count) => {
      const isTimed = count < 500
      const hasSequence = op === 'update' && isTimed
      return {
        id: `object-hot-${op}-${count}`,
        group: 'object',
        title: `Worker → object, ${count} ${count === 1 ? 'client' : 'clients'} \`${op}\` one key at once`,
        task: { op, count, keys: 1, hasClients: true, latencyMs: 20 },
        candidates: hasSequence ? ['botshelf-object', 'rpc-sequence'] : ['botshelf-object'],
        ...(hasSequence && { baseline: 'rpc-sequence' }),
        rounds: isTimed ? 2 : 0,
      }
    }),
  )
}

function growthWorkloads(): readonly Workload[] {
  return [1, 10, 100, 1000, 10_000].flatMap((count): Workload[] =>
    (['set', 'get'] as const).map((op) => ({
      id: `object-burst-${op}-${count}`,
      group: 'object',
      title: `Worker → object, ${count} concurrent ${op}`,
      task: { op, count },
      // Without 10,000 messages, which take seconds: an invocation may send 1,000.
      candidates: WORKER_CANDIDATES.filter((id) => count <= 1000 || id !== 'rpc-each'),
      baseline: 'one-rpc',
      rounds: 3,
      growth: { table: `Worker → object, \`${op}\` at once, ms`, at: count.toLocaleString('en') },
    })),
  )
}
