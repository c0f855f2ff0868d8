import { isStoreError, type StorageRuntime } from '../src/index.js'
import type { Env } from './env.js'
import { readObject } from './http/body.js'
import { HttpError } from './http/reply.js'
import { hasToken, isSame } from './http/token.js'
import { startBot } from './storages.js'
import { BotApi, BotApiError } from './telegram/bot-api.js'
import { heardBy, readHeard } from './telegram/call.js'
import { type TelegramStore, UpdateClaim } from './telegram/claim.js'
import { inMessages } from './telegram/in-messages.js'
import { readUpdate, type Said, type Update } from './telegram/update.js'

const MOST_BYTES = 1024 * 1024
// A bot may be given another name.
const NAME_KEPT = 24 * 60 * 60 * 1000
// Telegram gives a request up after about a minute, and brings the update again.
const SENDS_WITHIN = 20_000

/** Does the bot talk on Telegram: has it a token, and a secret for its webhook? */
export function isOnTelegram(env: Env): boolean {
  return hasToken(env.TELEGRAM_BOT_TOKEN) && hasToken(env.TELEGRAM_WEBHOOK_SECRET)
}

/**
 * Reads an update from Telegram's server, which shows the webhook's secret.
 *
 * @throws HttpError 401, 415, 413 or 400
 */
export async function readDelivery(request: Request, env: Env): Promise<Update> {
  const given = request.headers.get('x-telegram-bot-api-secret-token')
  if (given === null || !(await isSame(given, env.TELEGRAM_WEBHOOK_SECRET ?? ''))) {
    throw new HttpError(401, 'The secret of the webhook is missing or wrong.')
  }
  return readUpdate(await readObject(request, MOST_BYTES))
}

/**
 * Lets the bot act on an update and sends what it answers. When it resolves, everything is done for
 * the update, or nothing can be; Telegram must not bring it again.
 *
 * @throws HttpError 503 with `Retry-After` if the next delivery can go on; StoreError what the
 * storage says
 */
export async function takeUpdate(
  { id, said, query }: Update,
  env: Env,
  runtime: StorageRuntime,
): Promise<void> {
  const api = botApi(env)
  if (query !== undefined) await orNever(api.answerQuery(query))
  if (said === undefined) return
  const store: TelegramStore = await runtime.open('Telegram')
  const text = await readText(said, api, store)
  if (text === undefined) return
  const claim = await UpdateClaim.take(store, id)
  if (claim === undefined) return
  try {
    if (!claim.hasActed) await claim.keep(await act({ ...said, text }, env, runtime))
    await sendAll(claim, said, api)
  } catch (error) {
    await settle(claim, error)
  }
}

/** The words as the bot hears them; `undefined` if they call another. */
async function readText(
  said: Said,
  api: BotApi,
  store: TelegramStore,
): Promise<string | undefined> {
  const heard = readHeard(said)
  if (heard.called === undefined) return heard.text
  const key = `username:${api.id}` as const
  let username = await store.get(key)
  if (username === undefined) {
    username = await orNever(api.username())
    if (username !== undefined) await store.set(key, username, { ttl: NAME_KEPT })
  }
  return heardBy(username, heard)
}

async function act(said: Said, env: Env, runtime: StorageRuntime): Promise<readonly string[]> {
  const bot = await startBot(env, runtime)
  const { chat, sender, nick, at, text } = said
  const replies = await bot.handle({
    room: `telegram:${chat}`,
    nick,
    identity: `telegram:${sender}`,
    operator: false,
    at,
    kind: 'message',
    text,
  })
  return inMessages(replies)
}

async function sendAll(claim: UpdateClaim, { chat, topic }: Said, api: BotApi): Promise<void> {
  const end = Date.now() + SENDS_WITHIN
  for (let text = claim.next; text !== undefined; text = claim.next) {
    if (Date.now() > end) throw new BotApiError('The answer is too long to be sent at once.', 1)
    await api.send(chat, topic, text)
    await claim.countSent()
  }
}

/** Says what becomes of an update that was not done: it is brought again, or never. */
async function settle(claim: UpdateClaim, error: unknown): Promise<void> {
  if (error instanceof HttpError) throw error
  const again = againReply(error)
  if (again === undefined) {
    // A mistake would be made again each time that the update is delivered.
    console.error(error instanceof BotApiError ? error.message : error)
    await claim.finish()
    return
  }
  // If this fails too, the claim ends by itself.
  await claim.release().catch((failed: unknown) => console.error(failed))
  throw again
}

/** The reply that makes Telegram bring an update again; `undefined` if that would not help. */
function againReply(error: unknown): unknown {
  if (error instanceof BotApiError && error.retryAfter !== undefined) return busy(error)
  return isStoreError(error) && (error.retryable || error.outcome === 'unknown') ? error : undefined
}

function busy({ message, retryAfter }: BotApiError): HttpError {
  console.error(message)
  const sentence = 'Telegram does not take the answer now; bring the update again later.'
  return new HttpError(503, sentence, { 'retry-after': String(retryAfter) })
}

/** What was asked of Telegram; `undefined` if it never gives it. */
async function orNever<R>(asked: Promise<R>): Promise<R | undefined> {
  try {
    return await asked
  } catch (error) {
    const again = againReply(error)
    if (again !== undefined || !(error instanceof BotApiError)) throw again ?? error
    console.error(error.message)
    return undefined
  }
}

/** @throws HttpError 500 if what is configured cannot be right */
function botApi({ TELEGRAM_BOT_TOKEN: token = '', TELEGRAM_API_ROOT: root }: Env): BotApi {
  // What is no token is not cut into an id, which is stored, and a secret.
  if (!/^\d+:[\w-]+$/.test(token)) {
    throw new HttpError(500, 'TELEGRAM_BOT_TOKEN is no token of a bot.')
  }
  const address = (root ?? 'https://api.telegram.org').replace(/\/+$/, '')
  if (!/^https?:$/.test(URL.parse(address)?.protocol ?? '')) {
    throw new HttpError(500, 'TELEGRAM_API_ROOT is no address.')
  }
  return new BotApi(token, address)
}
