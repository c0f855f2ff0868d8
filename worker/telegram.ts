import type { StorageRuntime } from 'botshelf'
import type { Env } from './env.ts'
import { HttpError, isSameSecret, readJsonObject } from 'botshelf/admin'
import { startBot } from './storages.ts'
import { BotApi, BotApiError } from './telegram/bot-api.ts'
import { textForBot, parseAddressedText } from './telegram/addressee.ts'
import { isTransient, createRetryError, type TelegramStore, UpdateClaim } from './telegram/claim.ts'
import { splitMessages } from './telegram/split-messages.ts'
import { sendMessages } from './telegram/send.ts'
import {
  TELEGRAM_PREFIX,
  parseUpdate,
  type TelegramMessage,
  type Update,
} from './telegram/update.ts'

const MAX_BODY_BYTES = 1024 * 1024
// A bot's username can change.
const USERNAME_TTL_MS = 24 * 60 * 60 * 1000
const USERNAME_RETRY_SECONDS = 30
const GAVE_UP = 'The bot failed to handle an update in 10 runs; the update is dropped.'

/** Whether Telegram is configured: a bot token and a webhook secret are set. */
export function isTelegramEnabled(env: Env): boolean {
  return Boolean(env.TELEGRAM_BOT_TOKEN && env.TELEGRAM_WEBHOOK_SECRET)
}

/**
 * Reads the update in a webhook request and checks the webhook's secret.
 *
 * @throws HttpError 401, 415, 413 or 400
 */
export async function readWebhookRequest(request: Request, env: Env): Promise<Update> {
  const given = request.headers.get('x-telegram-bot-api-secret-token')
  if (given === null || !(await isSameSecret(given, env.TELEGRAM_WEBHOOK_SECRET ?? ''))) {
    throw new HttpError(401, 'The header "x-telegram-bot-api-secret-token" is missing or wrong.')
  }
  return parseUpdate(await readJsonObject(request, MAX_BODY_BYTES))
}

/**
 * Runs the bot on an update and sends its replies. Resolves when the update is finished, and also when
 * it is dropped: a retry cannot help after a permanent failure of the storage or a bug of the bot, so
 * the error is logged. Telegram delivers an update again after any status other than 2xx.
 *
 * @throws HttpError 503 with `Retry-After` if the next delivery can continue
 * @throws HttpError 500 if `TELEGRAM_BOT_TOKEN` or `TELEGRAM_API_ROOT` is malformed
 * @throws StoreError if the storage fails before the update is claimed, or when it is marked as finished
 */
export async function handleUpdate(
  { id, message, callbackQueryId }: Update,
  env: Env,
  runtime: StorageRuntime,
): Promise<void> {
  const api = createBotApi(env)
  if (callbackQueryId !== undefined) await answerCallbackQuery(api, callbackQueryId)
  if (message === undefined) return
  const store: TelegramStore = await runtime.open('Telegram')
  const text = await resolveText(message, api, store)
  if (text === undefined) return
  const claim = await UpdateClaim.acquire(store, { bot: api.id, id })
  if (claim === undefined) return
  try {
    if (!claim.hasReplies) {
      // Runs of requests that were killed count too.
      if (claim.runsLeft <= 0) throw new Error(GAVE_UP)
      await claim.storeReplies(await runBot({ ...message, text }, env, runtime))
    }
    await sendMessages(claim, message, api)
  } catch (error) {
    await handleFailure(claim, error)
  }
}

/**
 * Resolves to the text for the bot; `undefined` if the message addresses another bot. It fetches the
 * bot's username if the message has an addressee.
 */
async function resolveText(
  message: TelegramMessage,
  api: BotApi,
  store: TelegramStore,
): Promise<string | undefined> {
  const addressed = parseAddressedText(message)
  if (addressed.addressee === undefined) return addressed.fullText
  const key = `username:${api.id}` as const
  let username = await store.get(key)
  if (username === undefined) {
    username = await fetchUsername(api)
    if (username !== undefined) await store.set(key, username, { ttl: USERNAME_TTL_MS })
  }
  return textForBot(username, addressed)
}

async function runBot(
  message: TelegramMessage,
  env: Env,
  runtime: StorageRuntime,
): Promise<readonly string[]> {
  const bot = await startBot(env, runtime)
  const { chat, isPrivate, sender, nick, at, text } = message
  const replies = await bot.handle({
    room: `${TELEGRAM_PREFIX}${chat}`,
    nick,
    identity: `${TELEGRAM_PREFIX}${sender}`,
    hasAdminToken: false,
    at,
    kind: 'message',
    text,
    ...(isPrivate ? { isPrivate } : {}),
  })
  return splitMessages(replies)
}

/** After a failure, throws a 503 that makes Telegram deliver the update again, or drops the update. */
async function handleFailure(claim: UpdateClaim, error: unknown): Promise<void> {
  if (error instanceof HttpError) throw error
  console.error(error instanceof BotApiError ? error.message : error)
  if (isUnacknowledgedSend(error)) claim.countFailedSend({ isTimeout: error.kind === 'timeout' })
  const seconds = secondsUntilRetry(claim, error)
  if (seconds === undefined) {
    // Another delivery would fail in the same way.
    await claim.finish()
    return
  }
  // If the release fails too, the claim's lease expires.
  await claim.release().catch((failed: unknown) => console.error(failed))
  throw toRetryError(seconds, error)
}

/** Returns whether a message was sent and may or may not have arrived. */
function isUnacknowledgedSend(error: unknown): error is BotApiError {
  return error instanceof BotApiError && (error.kind === 'failed' || error.kind === 'timeout')
}

/** Returns the seconds to wait before a retry; `undefined` if no retry may help. */
function secondsUntilRetry(claim: UpdateClaim, error: unknown): number | undefined {
  if (isTransient(error)) {
    if (claim.hasReplies || claim.runsLeft > 1) return claim.retrySeconds
    console.error(GAVE_UP)
    return undefined
  }
  if (!(error instanceof BotApiError)) return undefined
  if (error.kind === 'later') return error.retryAfter
  if (!isUnacknowledgedSend(error)) return undefined
  if (claim.mayResend) return claim.retrySeconds
  console.error(
    'Telegram did not acknowledge a reply after 3 timeouts or 10 failed sends; it is not sent again.',
  )
  return undefined
}

function toRetryError(seconds: number, error: unknown): HttpError {
  const reason =
    error instanceof BotApiError ? 'The update is not finished' : 'The storage failed for now'
  return createRetryError(seconds, `${reason}; deliver it again later.`)
}

/** Resolves to the bot's username; `undefined` if Telegram refuses to return it. */
async function fetchUsername(api: BotApi): Promise<string | undefined> {
  try {
    return await api.username()
  } catch (error) {
    if (!(error instanceof BotApiError)) throw error
    console.error(error.message)
    if (error.kind === 'refused' || error.kind === 'closed') return undefined
    throw toRetryError(error.retryAfter ?? USERNAME_RETRY_SECONDS, error)
  }
}

// One try is enough: the client stops showing a pressed button as loading after a while anyway.
async function answerCallbackQuery(api: BotApi, id: string): Promise<void> {
  try {
    await api.answerCallbackQuery(id)
  } catch (error) {
    if (!(error instanceof BotApiError)) throw error
    console.error(error.message)
  }
}

/** @throws HttpError 500 if the token or the API root is malformed */
function createBotApi({ TELEGRAM_BOT_TOKEN: token = '', TELEGRAM_API_ROOT: root }: Env): BotApi {
  // BotApi splits a token into the id, which is stored, and the secret.
  if (!/^\d+:[\w-]+$/.test(token)) {
    throw new HttpError(500, 'TELEGRAM_BOT_TOKEN is malformed; it must look like 123456:ABC-DEF.')
  }
  const url = (root ?? 'https://api.telegram.org').replace(/\/+$/, '')
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new HttpError(500, 'TELEGRAM_API_ROOT is malformed; it must be an http or https URL.')
  }
  return new BotApi(token, url)
}
