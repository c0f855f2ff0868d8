import type { Workload } from '../workload.ts'

export const MEMORY: readonly Workload[] = [
  ...(['set', 'get'] as const).flatMap((op): Workload[] => {
    const base = {
      group: 'memory',
      candidates: ['botshelf', 'unstorage', 'map'],
      baseline: 'map',
    } as const
    return [
      {
        ...base,
        id: `memory-${op}`,
        title: `Memory, 50,000 awaited \`${op}\``,
        task: { op, count: 50_000, awaited: true },
      },
      {
        ...base,
        id: `memory-${op}-burst`,
        title: `Memory, 50,000 \`${op}\`, 1000 at once`,
        task: { op, count: 50_000, batch: 1000 },
      },
    ]
  }),
  {
    id: 'memory-update-hot',
    group: 'memory',
    title: 'Memory, 20,000 `update` on 10 keys, 1000 at once',
    task: { op: 'update', count: 20_000, batch: 1000, keys: 10 },
    candidates: ['botshelf', 'map'],
    baseline: 'map',
  },
]
