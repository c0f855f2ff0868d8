import { ChromiumEngine } from './chromium.ts'
import type { CrashOptions } from './crash-loop.ts'
import type { CrashEngine } from './engine.ts'
import { WorkerdEngine } from './workerd.ts'

/** A row of the report of `npm run test:crash`. */
export interface Row extends Pick<CrashOptions, 'killsPerCheck' | 'closesFirst'> {
  readonly group: 'workerd' | 'chromium' | 'power'
  readonly engine: string
  readonly mode: string
  readonly createEngine: () => CrashEngine
  /** Whether it loses acknowledged writes by its nature, which shows that the test sees a loss. */
  readonly isControl?: boolean
  /** power: whether the disk acknowledges `fsync` without writing. */
  readonly ignoresSync?: boolean
  /** A control needs few kills. */
  readonly maxKills?: number
}

const OBJECT = 'Durable Object, workerd'
const INDEXEDDB = 'IndexedDB, Chromium'
const CONTROL = { isControl: true, maxKills: 5 } as const

export const ROWS: readonly Row[] = [
  {
    group: 'workerd',
    engine: OBJECT,
    mode: 'kill -9',
    createEngine: () => new WorkerdEngine(),
  },
  {
    group: 'workerd',
    engine: OBJECT,
    mode: 'kill -9, acknowledged before the write (control)',
    createEngine: () => new WorkerdEngine({ acknowledgesEarly: true }),
    ...CONTROL,
  },
  {
    group: 'chromium',
    engine: INDEXEDDB,
    mode: 'kill -9, strict',
    createEngine: () => new ChromiumEngine(),
  },
  {
    group: 'chromium',
    engine: INDEXEDDB,
    mode: 'kill -9 twice, strict',
    createEngine: () => new ChromiumEngine(),
    killsPerCheck: 2,
  },
  {
    group: 'chromium',
    engine: INDEXEDDB,
    mode: 'kill -9, relaxed',
    createEngine: () => new ChromiumEngine({ durability: 'relaxed' }),
  },
  {
    group: 'chromium',
    engine: INDEXEDDB,
    mode: 'kill -9 twice, relaxed',
    createEngine: () => new ChromiumEngine({ durability: 'relaxed' }),
    killsPerCheck: 2,
  },
  {
    group: 'chromium',
    engine: INDEXEDDB,
    mode: 'kill -9, acknowledged before the write (control)',
    createEngine: () => new ChromiumEngine({ acknowledgesEarly: true }),
    ...CONTROL,
  },
  {
    group: 'power',
    engine: OBJECT,
    mode: 'power cut',
    createEngine: () => new WorkerdEngine(),
  },
  {
    group: 'power',
    engine: OBJECT,
    mode: 'power cut, a disk that ignores fsync (control)',
    createEngine: () => new WorkerdEngine(),
    ignoresSync: true,
    ...CONTROL,
  },
  {
    group: 'power',
    engine: INDEXEDDB,
    mode: 'power cut, strict',
    createEngine: () => new ChromiumEngine(),
  },
  {
    group: 'power',
    engine: INDEXEDDB,
    mode: 'power cut after close(), relaxed',
    createEngine: () => new ChromiumEngine({ durability: 'relaxed' }),
    closesFirst: true,
  },
  {
    group: 'power',
    engine: INDEXEDDB,
    mode: 'power cut, relaxed (control)',
    createEngine: () => new ChromiumEngine({ durability: 'relaxed' }),
    ...CONTROL,
  },
]
