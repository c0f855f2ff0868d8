import { type BotApi, BotApiError } from './bot-api.ts'
import type { UpdateClaim } from './claim.ts'
import type { Place } from './update.ts'

// Telegram gives a request up after about a minute, and brings the update again.
const SENDS_WITHIN = 20_000

/**
 * Sends what is left of an answer, and counts each message of it.
 *
 * @throws BotApiError if it was not all taken; HttpError, StoreError if it cannot be counted
 */
export async function sendAll(claim: UpdateClaim, to: Place, api: BotApi): Promise<void> {
  const end = Date.now() + SENDS_WITHIN
  let place = to
  for (let text = claim.next; text !== undefined; text = claim.next) {
    if (Date.now() > end) {
      const sentence = 'The answer is too long to be sent at once.'
      throw new BotApiError(sentence, 'later', { retryAfter: 1 })
    }
    place = await sendOne(api, place, text)
    await claim.countSent()
  }
}

/**
 * Sends a message; resolves to where it was sent, which is elsewhere if the chat has moved. One
 * that Telegram will never take is logged, and the others are sent.
 */
async function sendOne(api: BotApi, place: Place, text: string, moved = false): Promise<Place> {
  try {
    // Two calls that wait would outlast the claim, and the message might be sent twice.
    await api.send(place, text, { waits: !moved })
  } catch (error) {
    if (!(error instanceof BotApiError) || error.failing !== 'refused') throw error
    if (error.movedTo !== undefined && !moved) {
      // A group that became a supergroup has no topics yet.
      return sendOne(api, { chat: error.movedTo }, text, true)
    }
    console.error(error.message)
  }
  return place
}
