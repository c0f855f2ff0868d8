/**
 * Calls `onElapsed` after `ms` milliseconds. Returns the function that cancels it.
 *
 * It takes two timers in a row: if a frozen page resumes and its first timer is overdue, what it
 * waits for still has half of the time.
 */
export function startTimer(ms: number, onElapsed: () => void): () => void {
  let timer = setTimeout(() => {
    timer = setTimeout(onElapsed, ms / 2)
  }, ms / 2)
  return () => clearTimeout(timer)
}
