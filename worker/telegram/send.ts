import { type BotApi, BotApiError } from './bot-api.ts'
import type { UpdateClaim } from './claim.ts'
import type { ChatTarget } from './update.ts'

// No message starts after 20 seconds: it may take 36 seconds more, and Telegram drops a webhook request
// after about a minute.
const LATEST_SEND_START_MS = 20_000

/**
 * Sends the remaining messages of a claim and records each one.
 *
 * @throws BotApiError if a message could not be sent for a reason other than its content, or if there
 * is no time left for the next one (`later`)
 * @throws HttpError, StoreError if the progress cannot be stored
 */
export async function sendMessages(claim: UpdateClaim, to: ChatTarget, api: BotApi): Promise<void> {
  const end = Date.now() + LATEST_SEND_START_MS
  let target = to
  for (let text = claim.nextMessage; text !== undefined; text = claim.nextMessage) {
    if (Date.now() > end) {
      const message = 'The reply has too many messages for one request.'
      throw new BotApiError(message, 'later', { retryAfter: 1 })
    }
    target = await sendMessage(api, target, text)
    await claim.markSent()
  }
}

/**
 * Sends a message and resolves to its target, which changes if the chat has moved. A message that
 * Telegram will never accept is logged and skipped.
 */
async function sendMessage(
  api: BotApi,
  target: ChatTarget,
  text: string,
  hasMoved = false,
): Promise<ChatTarget> {
  try {
    // Two calls with retries could outlast the lease, and the message might be sent twice.
    await api.send(target, text, { retries: !hasMoved })
  } catch (error) {
    if (!(error instanceof BotApiError) || error.kind !== 'refused') throw error
    if (error.movedTo !== undefined && !hasMoved) {
      // A group that became a supergroup has no topics yet.
      return sendMessage(api, { chat: error.movedTo }, text, true)
    }
    console.error(error.message)
  }
  return target
}
