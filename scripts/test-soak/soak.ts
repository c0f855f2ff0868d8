import { formatTable } from '../table.ts'
import type { LoadCounts } from './load.ts'

/** What was measured at one time, by the name of the figure. Names that end in `Bytes` are memory. */
export type Sample = Readonly<Record<string, number>>

/** A backend under load. */
export interface SoakTarget {
  readonly backend: string
  readonly engine: string
  /** Makes a batch of calls. */
  work(seed: number): Promise<LoadCounts>
  /** Collects garbage and measures, while no call runs. */
  sample(): Promise<Sample>
  /** Closes what `work` keeps open. */
  close(): Promise<void>
  /** Ends the engine. */
  stop(): Promise<void>
}

/** A figure over the time of a soak. */
export interface Series {
  readonly name: string
  readonly samples: readonly number[]
  /** The median of the second quarter of the samples, and of the last. */
  readonly before: number
  readonly after: number
  /** What was measured after everything was closed. */
  readonly closed: number
  readonly verdict: 'flat' | 'growing' | 'left open'
}

export interface SoakReport {
  readonly backend: string
  readonly engine: string
  readonly seconds: number
  readonly calls: number
  readonly errors: Readonly<Record<string, number>>
  readonly series: readonly Series[]
  /** Why the soak ended early. */
  readonly stopped?: string
}

export interface SoakOptions {
  readonly durationMs: number
  readonly seed: number
}

/** Evenly over the duration, unless one batch takes longer than that. */
const MAX_SAMPLES = 40
const MIN_SAMPLES = 12
const MAX_GROWTH = 1.1
const SLACK_BYTES = 2_000_000

/**
 * Whether a figure grows: the median of its last quarter is more than 1.1 times that of its second
 * quarter; memory may be 2 MB above that. The first quarter is warm-up.
 */
export function isGrowing({
  name,
  before,
  after,
}: Pick<Series, 'name' | 'before' | 'after'>): boolean {
  return after > before * MAX_GROWTH + (isMemory(name) ? SLACK_BYTES : 0)
}

/** Keeps a backend under load, measures between batches, and decides which figures grow. */
export async function soak(target: SoakTarget, options: SoakOptions): Promise<SoakReport> {
  const { durationMs, seed } = options
  const start = performance.now()
  const samples: Sample[] = []
  const errors: Record<string, number> = {}
  let calls = 0
  let batch = 0
  let closed: Sample = {}
  let stopped: string | undefined
  const initial = await target.sample()
  try {
    let elapsed = 0
    while (elapsed < durationMs || samples.length < MIN_SAMPLES) {
      const counts = await target.work(seed + batch++)
      calls += counts.calls
      for (const [kind, number] of Object.entries(counts.errors)) {
        errors[kind] = (errors[kind] ?? 0) + number
      }
      elapsed = performance.now() - start
      if (elapsed < (durationMs * samples.length) / MAX_SAMPLES) continue
      samples.push(await target.sample())
    }
    await target.close()
    closed = await target.sample()
  } catch (error) {
    stopped = String(error)
  }
  const { backend, engine } = target
  return {
    backend,
    engine,
    seconds: Math.round((performance.now() - start) / 1000),
    calls,
    errors,
    series: Object.keys(initial).map((name) => createSeries(name, initial, samples, closed)),
    ...(stopped === undefined ? {} : { stopped }),
  }
}

function createSeries(
  name: string,
  initial: Sample,
  samples: readonly Sample[],
  last: Sample,
): Series {
  const values = samples.map((sample) => sample[name] ?? 0)
  const quarter = values.length / 4
  const before = median(values.slice(Math.floor(quarter), Math.floor(2 * quarter)))
  const after = median(values.slice(Math.floor(3 * quarter)))
  const closed = last[name] ?? 0
  const isLeftOpen = !isMemory(name) && closed > (initial[name] ?? 0)
  const growing = isGrowing({ name, before, after })
  const verdict = growing ? 'growing' : isLeftOpen ? 'left open' : 'flat'
  return { name, samples: values, before, after, closed, verdict }
}

/** Whether a figure grew, something was left open, or the soak ended early. */
export function hasLeak({ series, stopped }: SoakReport): boolean {
  return stopped !== undefined || series.some(({ verdict }) => verdict !== 'flat')
}

/** Returns the table of figures, and below it why soaks ended early. */
export function formatSoaks(reports: readonly SoakReport[]): string {
  const table = formatTable(
    [
      'backend',
      'engine',
      'seconds',
      'calls',
      'failed',
      'figure',
      '2nd quarter',
      'last quarter',
      'closed',
      'verdict',
    ],
    reports.flatMap(({ backend, engine, seconds, calls, errors, series }) =>
      series.map(({ name, before, after, closed, verdict }) => [
        backend,
        engine,
        seconds,
        calls,
        Object.values(errors).reduce((sum, each) => sum + each, 0),
        name,
        ...[before, after, closed].map((value) => formatFigure(name, value)),
        verdict,
      ]),
    ),
  )
  const stops = reports.flatMap(({ backend, engine, stopped }) =>
    stopped === undefined ? [] : [`FAILED ${backend}, ${engine}: ${stopped}`],
  )
  return [table, ...stops].join('\n')
}

function formatFigure(name: string, value: number): string {
  return isMemory(name) ? `${(value / 1_000_000).toFixed(1)} MB` : String(value)
}

function isMemory(name: string): boolean {
  return name.endsWith('Bytes')
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
