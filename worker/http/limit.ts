import { HttpError } from 'botshelf/admin'
import { clientOf } from './client.ts'

/** A rate limiting binding of Cloudflare, which counts requests by key. */
export interface Limiter {
  limit(options: { key: string }): Promise<{ success: boolean }>
}

/** The period of the limits in `wrangler.toml`; a binding does not report it. */
const PERIOD_SECONDS = 60

/**
 * Counts a request for its client and refuses it if the client sent too many. Without a limiter there is
 * no limit. If the limiter fails, the error is logged and the request is let through.
 *
 * @param scope part of the key, because Miniflare counts equal keys of two bindings together
 * @throws HttpError 429 with `retry-after`
 */
export async function enforceLimit(
  limiter: Limiter | undefined,
  scope: string,
  request: Request,
): Promise<void> {
  if (limiter === undefined) return
  let isWithin = true
  try {
    isWithin = (await limiter.limit({ key: `${scope}:${clientOf(request)}` })).success
  } catch (error) {
    console.error(error)
  }
  if (isWithin) return
  throw new HttpError(429, `Too many requests; try again in ${PERIOD_SECONDS} seconds.`, {
    'retry-after': String(PERIOD_SECONDS),
  })
}
