import type { Workload } from '../workload.ts'

const KV_READS = ['botshelf-kv', 'kv-bulk', 'kv-each', 'unstorage', 'unstorage-items']
const FROM_A_WORKER = ['botshelf-object', 'one-rpc', 'rpc-each']
const INSIDE = ['botshelf-inside', 'kv-loop', 'put-get']

export const WORKERD: readonly Workload[] = [
  {
    id: 'object-set',
    group: 'object',
    title: 'Worker → object, 1000 concurrent `set`',
    task: { op: 'set', count: 1000 },
    candidates: FROM_A_WORKER,
    baseline: 'one-rpc',
  },
  {
    id: 'object-get',
    group: 'object',
    title: 'Worker → object, 1000 concurrent `get`',
    task: { op: 'get', count: 1000 },
    candidates: FROM_A_WORKER,
    baseline: 'one-rpc',
  },
  {
    id: 'object-update-hot',
    group: 'object',
    title: 'Worker → object, 1000 concurrent `update` on 10 keys',
    task: { op: 'update', count: 1000, keys: 10 },
    candidates: FROM_A_WORKER,
    baseline: 'one-rpc',
  },
  {
    id: 'inside-set',
    group: 'object',
    title: 'Inside the object, 1000 concurrent `set`',
    task: { op: 'set', count: 1000 },
    candidates: INSIDE,
    baseline: 'kv-loop',
  },
  {
    id: 'inside-get',
    group: 'object',
    title: 'Inside the object, 1000 concurrent `get`',
    task: { op: 'get', count: 1000 },
    candidates: INSIDE,
    baseline: 'kv-loop',
  },
  ...growth(),
  {
    id: 'kv-get',
    group: 'kv',
    title: 'KV, 1000 concurrent `get`',
    task: { op: 'get', count: 1000 },
    candidates: KV_READS,
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
    // Here unstorage makes 10,010 calls, ten times what an invocation may make.
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

function growth(): readonly Workload[] {
  return [1, 10, 100, 1000, 10_000].flatMap((count): Workload[] =>
    (['set', 'get'] as const).map((op) => ({
      id: `object-burst-${op}-${count}`,
      group: 'object',
      title: `Worker → object, ${count} concurrent ${op}`,
      task: { op, count },
      // Ten thousand messages take seconds, and an invocation may send a tenth of them.
      candidates: FROM_A_WORKER.filter((id) => count <= 1000 || id !== 'rpc-each'),
      baseline: 'one-rpc',
      rounds: 3,
      growth: { table: `Worker → object, \`${op}\` at once, ms`, at: count.toLocaleString('en') },
    })),
  )
}
