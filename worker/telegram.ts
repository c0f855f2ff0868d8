import type { StorageRuntime } from 'botshelf'
import type { Env } from './env.ts'
import { HttpError, isSameSecret, readJsonObject } from 'botshelf/admin'
import { startBot } from './storages.ts'
import { BotApi, BotApiError } from './telegram/bot-api.ts'
import { heardBy, readHeard } from './telegram/call.ts'
import { againIn, type TelegramStore, UpdateClaim } from './telegram/claim.ts'
import { splitMessages } from './telegram/in-messages.ts'
import { isTransient } from './telegram/passing.ts'
import { sendAll } from './telegram/send.ts'
import { OF_TELEGRAM, readUpdate, type Said, type Update } from './telegram/update.ts'

const MOST_BYTES = 1024 * 1024
// A bot may be given another name.
const NAME_KEPT = 24 * 60 * 60 * 1000
const NAME_AGAIN_SECONDS = 30
const NOT_ACTED = 'The bot has tried often enough to act on an update; it is given up.'

/** Does the bot talk on Telegram: has it a token, and a secret for its webhook? */
export function isOnTelegram(env: Env): boolean {
  return Boolean(env.TELEGRAM_BOT_TOKEN && env.TELEGRAM_WEBHOOK_SECRET)
}

/**
 * Reads an update from Telegram's server, which shows the webhook's secret.
 *
 * @throws HttpError 401, 415, 413 or 400
 */
export async function readDelivery(request: Request, env: Env): Promise<Update> {
  const given = request.headers.get('x-telegram-bot-api-secret-token')
  if (given === null || !(await isSameSecret(given, env.TELEGRAM_WEBHOOK_SECRET ?? ''))) {
    throw new HttpError(401, 'The secret of the webhook is missing or wrong.')
  }
  return readUpdate(await readJsonObject(request, MOST_BYTES))
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
  if (query !== undefined) await answerQuery(api, query)
  if (said === undefined) return
  const store: TelegramStore = await runtime.open('Telegram')
  const text = await readText(said, api, store)
  if (text === undefined) return
  const claim = await UpdateClaim.take(store, { bot: api.id, id })
  if (claim === undefined) return
  try {
    if (!claim.hasActed) {
      // Requests that died have had their tries as well.
      if (claim.triesLeft <= 0) throw new Error(NOT_ACTED)
      await claim.keep(await act({ ...said, text }, env, runtime))
    }
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
    username = await askName(api)
    if (username !== undefined) await store.set(key, username, { ttl: NAME_KEPT })
  }
  return heardBy(username, heard)
}

async function act(said: Said, env: Env, runtime: StorageRuntime): Promise<readonly string[]> {
  const bot = await startBot(env, runtime)
  const { chat, isPrivate, sender, nick, at, text } = said
  const replies = await bot.handle({
    room: `${OF_TELEGRAM}${chat}`,
    nick,
    identity: `${OF_TELEGRAM}${sender}`,
    operator: false,
    at,
    kind: 'message',
    text,
    ...(isPrivate ? { isPrivate } : {}),
  })
  return splitMessages(replies)
}

/** Says what becomes of an update that was not done: it is brought again, or never. */
async function settle(claim: UpdateClaim, error: unknown): Promise<void> {
  if (error instanceof HttpError) throw error
  console.error(error instanceof BotApiError ? error.message : error)
  const seconds = secondsUntilAgain(claim, error)
  if (seconds === undefined) {
    // A mistake would be made again each time that the update is delivered.
    await claim.finish()
    return
  }
  // If this fails too, the claim ends by itself.
  await claim.release().catch((failed: unknown) => console.error(failed))
  throw again(seconds, error)
}

/** After how many seconds another try is worth it; `undefined` if none is. */
function secondsUntilAgain(claim: UpdateClaim, error: unknown): number | undefined {
  if (isTransient(error)) {
    if (claim.hasActed || claim.triesLeft > 1) return claim.wait
    console.error(NOT_ACTED)
    return undefined
  }
  if (!(error instanceof BotApiError)) return undefined
  const { failing, retryAfter } = error
  if (failing === 'later') return retryAfter
  if (failing === 'refused' || failing === 'closed') return undefined
  if (claim.countFailure(failing === 'timeout')) return claim.wait
  console.error('Telegram has not acknowledged the answer to an update; it is not sent again.')
  return undefined
}

function again(seconds: number, error: unknown): HttpError {
  const who =
    error instanceof BotApiError ? 'Telegram does not take the answer' : 'The storage fails'
  return againIn(seconds, `${who} now; bring the update again later.`)
}

/** The bot's username; `undefined` if Telegram never tells it. */
async function askName(api: BotApi): Promise<string | undefined> {
  try {
    return await api.username()
  } catch (error) {
    if (!(error instanceof BotApiError)) throw error
    console.error(error.message)
    if (error.failing === 'refused' || error.failing === 'closed') return undefined
    throw again(error.retryAfter ?? NAME_AGAIN_SECONDS, error)
  }
}

// A client stops showing a press as loading by itself, so this is tried once.
async function answerQuery(api: BotApi, query: string): Promise<void> {
  try {
    await api.answerQuery(query)
  } catch (error) {
    if (!(error instanceof BotApiError)) throw error
    console.error(error.message)
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
