import { type AdminAccess, AdminError, type BotCallOptions, callBot } from './client.ts'

const RETRY_DELAYS_MS = [500, 1_000, 2_000]
// The bot may ask for a longer delay; a rate limit usually lasts a minute.
const MAX_RETRY_DELAY_MS = 60_000

/**
 * Sends an idempotent call like `callBot`, up to four times.
 *
 * @throws AdminError of the last attempt
 */
export async function callWithRetries(
  access: AdminAccess,
  path: string,
  options: BotCallOptions = {},
): Promise<unknown> {
  for (const delay of RETRY_DELAYS_MS) {
    try {
      return await callBot(access, path, options)
    } catch (error) {
      if (!(error instanceof AdminError) || !error.retryable) throw error
      await wait(Math.max(delay, Math.min(error.retryAfterMs, MAX_RETRY_DELAY_MS)), options.signal)
    }
  }
  return callBot(access, path, options)
}

/** @throws the reason of the signal */
function wait(delay: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, delay)
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}
