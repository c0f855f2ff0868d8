import type { FunctionOperation } from '../task.ts'
import type { Workload } from '../workload.ts'

/** What each copy is for. */
const COPIES = {
  'copy-measured': 'in, measured',
  'copy-unmeasured': 'in, not measured',
  'copy-out': 'out',
} as const

const CODEC_SIZES = [
  { bytes: 200, at: '200 B', count: 20_000 },
  { bytes: 12_000, at: '12 kB', count: 500 },
] as const

/** Functions in a loop, without a storage. */
export const FUNCTIONS: readonly Workload[] = [
  ...(Object.keys(COPIES) as (keyof typeof COPIES)[]).map((op): Workload => ({
    id: op,
    group: 'copy',
    title: `Copying 100,000 values of 200 B ${COPIES[op]}`,
    task: { op, count: 100_000 },
    candidates: ['botshelf', 'previous-copy'],
    baseline: 'previous-copy',
  })),
  ...codecWorkloads('codec', 'Node'),
  ...codecWorkloads('codec-workerd', 'workerd'),
]

/** The bundles that have goals, by their names in the budgets. */
export const SIZE: Workload = {
  id: 'size',
  group: 'size',
  title: 'Bundle, minified and compressed',
  task: { op: 'bundle', count: 1 },
  candidates: ['core', 'core + IndexedDB + idb', 'core + DurableObject'],
  rounds: 0,
}

function codecWorkloads(group: 'codec' | 'codec-workerd', runtime: string): readonly Workload[] {
  return CODEC_SIZES.flatMap(({ bytes, at, count }) =>
    (['encode', 'decode'] satisfies FunctionOperation[]).map((op): Workload => ({
      id: `${group}-${op}-${bytes}`,
      group,
      title: `Codec in ${runtime}, ${op} ${count.toLocaleString('en')} values of ${at}`,
      task: { op, count, bytes },
      candidates: ['botshelf', 'json'],
      baseline: 'json',
    })),
  )
}
