import { clientOf } from './client.ts'
import { HttpError } from 'botshelf/admin'

/** Counts requests by key, as a rate limiting binding of Cloudflare does. */
export interface Limiter {
  limit(options: { key: string }): Promise<{ success: boolean }>
}

/** The period of the limits in `wrangler.toml`, in seconds: a binding does not tell its own. */
const PERIOD = 60

/**
 * Counts a request of its client, and refuses it if there were too many. Without a limiter nothing
 * is limited, nor where the limiter fails: that is logged, and the bot goes on answering.
 *
 * @param scope what is counted by itself. It is part of the key, since Miniflare counts the same key
 * of two bindings as one
 * @throws HttpError 429, with the time after which there is surely room again
 */
export async function withinLimit(
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
  throw new HttpError(429, `Too many requests; try again in ${PERIOD} seconds.`, {
    'retry-after': String(PERIOD),
  })
}
