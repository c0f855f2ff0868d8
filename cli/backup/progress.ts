import type { CommandIo } from '../io.ts'
import { formatCount, formatNumber } from '../text.ts'

const BAR_WIDTH = 24
const MIN_INTERVAL_MS = 100

/** Shows how much of a transfer is done. */
export interface Progress {
  /** Shows that `done` entries were transferred, including those of an earlier run. */
  update(done: number): void
  /** Removes the bar. */
  stop(): void
}

/** Options of {@link startProgress}. */
export interface ProgressOptions {
  /** What is done, such as `Restoring`. */
  readonly label: string
  /** The number of entries; `undefined` if it is not known. */
  readonly total?: number | undefined
  /** The entries of an earlier run, which do not count for the rate. */
  readonly start?: number
}

/**
 * Shows a bar on a terminal, and nothing otherwise. The bar of @clack/prompts is not used: it reads the
 * terminal in raw mode, where Ctrl-C ends the process with exit code 0 before it can say how to continue.
 */
export function startProgress(
  { stderr }: Pick<CommandIo, 'stderr'>,
  { label, total, start = 0 }: ProgressOptions,
): Progress {
  if (!stderr.isTTY) return { update() {}, stop() {} }
  const startedAt = performance.now()
  let shownAt = Number.NEGATIVE_INFINITY
  return {
    update(done) {
      const now = performance.now()
      if (now - shownAt < MIN_INTERVAL_MS) return
      shownAt = now
      const rate = ((done - start) * 1000) / Math.max(1, now - startedAt)
      // A line that wraps could not be overwritten.
      const text = formatProgress({ label, total, done, rate }).slice(0, (stderr.columns ?? 80) - 1)
      stderr.write(`\r\u{1b}[K${text}`)
    },
    stop: () => void stderr.write('\r\u{1b}[K'),
  }
}

interface ProgressState {
  readonly label: string
  readonly total: number | undefined
  readonly done: number
  /** Entries per second. */
  readonly rate: number
}

function formatProgress({ label, total, done, rate }: ProgressState): string {
  const speed = `${formatNumber(Math.round(rate))}/s`
  if (total === undefined || total === 0) return `${label} ${formatCount(done, 'entry')}, ${speed}`
  const share = Math.min(1, done / total)
  const filled = Math.round(share * BAR_WIDTH)
  const bar = `${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}`
  const left = rate > 0 ? `, ${formatSeconds(Math.max(0, total - done) / rate)} left` : ''
  return `${label} [${bar}] ${formatNumber(done)} of ${formatNumber(total)} entries, ${speed}${left}`
}

/** Returns the seconds since a time of `performance.now()`, with three decimals. */
export function secondsSince(startedAt: number): number {
  return Math.round(performance.now() - startedAt) / 1000
}

function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
