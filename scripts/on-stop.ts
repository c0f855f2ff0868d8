import process from 'node:process'

const POLL_INTERVAL_MS = 200
/** After Ctrl-C, npm sends the signal that the terminal has sent already. */
const REPEAT_MS = 500

/**
 * Calls `stop` for each signal that asks this process to end, and when the npm that started it has
 * ended without a signal to this process.
 */
export function onStop(stop: () => void): void {
  let stoppedAt = -Infinity
  const onSignal = (): void => {
    if (performance.now() - stoppedAt < REPEAT_MS) return
    stoppedAt = performance.now()
    stop()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  // Without npm, a shell may leave this process running on purpose.
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  const poll = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(poll)
    if (stoppedAt === -Infinity) onSignal()
  }, POLL_INTERVAL_MS)
  poll.unref()
}
