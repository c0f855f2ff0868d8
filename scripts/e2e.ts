// Walks through what a deployed bot does, on a Worker of its own whose data is thrown away: `npm run e2e`.
// Each call is printed with its answer; the walk ends with 1 at the first answer that is not as it should be.
import { deepStrictEqual, ok } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { BOT_TOKEN, FakeBotApi } from './bot-api.ts'
import { type DevServer, freePort, startDevServer } from './dev-server.ts'

const TOKEN = 'the token of this walk'
const SECRET = 'the-secret-of-its-webhook'
const STORAGES = ['DurableObject', 'CloudflareKV'] as const
const CHAT = -4711
const ANN = { id: 1, is_bot: false, first_name: 'Ann', username: 'ann' }
const BEN = { id: 2, is_bot: false, first_name: 'Ben', username: 'ben' }

type Json = Readonly<Record<string, unknown>>

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: Json
}

interface Part extends Json {
  readonly entries: readonly Json[]
  readonly next: string | null
}

let telegram: FakeBotApi
let server: DevServer
const started = new AsyncDisposableStack()
try {
  const state = await mkdtemp(join(tmpdir(), 'botshelf-walk-'))
  started.defer(() => rm(state, { recursive: true, force: true }))
  telegram = await FakeBotApi.start()
  started.defer(() => telegram.close())
  await startBot(state)
  await talkOnTelegram()
  await provision()
  for (const storage of STORAGES) await rescue(storage)
  await moveToKv()
  await refuse()
  await flood()
  console.log('\nEverything is as it should be.')
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  // The last first: a start that failed leaves what came before it.
  await started.disposeAsync()
}

async function startBot(state: string): Promise<void> {
  const port = await freePort()
  if (port === undefined) throw new Error('No port is free.')
  console.log('Starting the bot, and a server that stands in for Telegram ...')
  const variables = {
    TELEGRAM_BOT_TOKEN: BOT_TOKEN,
    TELEGRAM_WEBHOOK_SECRET: SECRET,
    TELEGRAM_API_ROOT: telegram.url,
  }
  server = await startDevServer({ port, token: TOKEN, state, variables })
  started.defer(() => server.stop())
}

async function talkOnTelegram(): Promise<void> {
  heading('On Telegram')
  deepStrictEqual(await update(1, '!learn coffee = black, no sugar'), 200)
  deepStrictEqual(await update(2, '/coffee'), 200)
  deepStrictEqual(await update(2, '/coffee'), 200)
  said('I will remember "coffee".', 'black, no sugar')
  console.log('  Update 2 came twice and was answered once. Now 20 at once:')
  await update(3, 'hello', BEN)
  const praises = Array.from({ length: 20 }, (_, at) => update(100 + at, 'ben++'))
  deepStrictEqual(new Set(await Promise.all(praises)), new Set([200]))
  const { body } = await call('GET', '/admin/storage/Karma?as=json')
  deepStrictEqual(body['entries'], { ben: 20 })

  console.log('\n  Telegram takes nothing for a minute; then it brings the update again:')
  telegram.calls.splice(0)
  telegram.failNext(CHAT, { status: 429, description: 'Too Many Requests', retryAfter: 60 })
  deepStrictEqual(await update(4, '!todo add tea'), 503)
  deepStrictEqual(await update(4, '!todo add tea'), 200)
  said('Added as 1.')
  deepStrictEqual(await update(5, '!todo'), 200)
  said('1. tea')
  await call('POST', '/telegram', { body: {}, secret: 'a wrong one', status: 401 })
  await call('POST', '/telegram', { body: { hello: 'world' }, secret: SECRET, status: 400 })
}

async function provision(): Promise<void> {
  heading('The operator provisions, and looks')
  const karma = '/admin/storage/Karma?as=json'
  await call('PATCH', karma, { body: { entries: { zoe: 3 }, lists: 'append' } })
  await call('GET', karma)
  const lists = '/admin/storage/Lists?as=json'
  await call('PUT', lists, { body: { entries: { list: [1], more: { a: { x: 1 } } } } })
  const more = { entries: { list: [2], more: { a: { y: 2 } } }, lists: 'append' }
  await call('PATCH', lists, { body: more })
  const { body } = await call('GET', lists)
  deepStrictEqual(body['entries'], { list: [1, 2], more: { a: { x: 1, y: 2 } } })
  await call('GET', '/admin/keys/Seen')
  await call('GET', '/admin/namespaces?sizes=true')
}

async function rescue(storage: string): Promise<void> {
  heading(`Backup, wipe, restore on ${storage}`)
  await call('POST', '/api/messages', {
    body: { room: 'walk', user: 'ann', text: '!learn tea = green', storage },
  })
  const pairs = Array.from({ length: 150 }, (_, n) => [`k${n}`, 'x'.repeat(10_000)])
  const entries = Object.fromEntries(pairs) as Json
  await call('PUT', `/admin/storage/Large?as=json&storage=${storage}`, { body: { entries } })
  const parts = await backup(storage)
  ok(parts.length > 1, 'A backup that has several parts')
  await wipe(storage)
  deepStrictEqual(
    (await backup(storage)).flatMap((part) => part.entries),
    [],
  )
  await restore(storage, parts)
  deepStrictEqual(await backup(storage), parts)
  console.log('  The backup of what was restored is the same, entry by entry.')
}

async function moveToKv(): Promise<void> {
  heading('From the Durable Object to KV')
  const parts = await backup('DurableObject')
  await restore('CloudflareKV', parts)
  deepStrictEqual(await backup('CloudflareKV'), parts)
}

async function refuse(): Promise<void> {
  heading('Bad input')
  const before = await backup('DurableObject')
  const [first] = before
  ok(first)
  const put = '/admin/storage/Karma'
  const { body: begun } = await call('POST', '/admin/restore', {
    body: { mode: 'merge', part: first },
  })
  const cut = { ...first, entries: first.entries.slice(1) }
  const altered = { ...first, entries: [{ ...first.entries[0], value: '1:[0]' }] }
  const { restore: id } = begun
  await call('DELETE', put, { status: 405 })
  await call('PUT', put, { body: 'entries', type: 'text/plain', status: 415 })
  await call('GET', put, { token: 'a wrong one', status: 401 })
  await call('GET', '/admin/storage?namespace=', { status: 400 })
  await call('GET', '/admin/storage/Karma?cursor=x', { status: 400 })
  await call('GET', '/admin/backup?cursor=x', { status: 400 })
  await call('PUT', put, { body: '{"entries":', status: 400 })
  await call('PUT', put, { body: { entries: { k: '{}' } }, status: 400 })
  await call('PUT', `${put}?as=json`, { body: '{"entries":{"k":{"__proto__":1}}}', status: 400 })
  await call('PUT', put, { body: { entries: { k: '1:[[-7,3000000]]' } }, status: 413 })
  await call('PUT', put, { body: { entries: { k: 'x'.repeat(2 ** 24) } }, status: 413 })
  for (const [part, status] of [
    [cut, 400],
    [altered, 400],
    [first, 409],
  ] as const) {
    await call('POST', '/admin/restore', { body: { mode: 'merge', part, restore: id }, status })
  }
  await call('PUT', '/admin/storage/Odd', { body: { entries: { when: '1:[["Date",""]]' } } })
  await call('GET', '/admin/storage/Odd?as=json', { status: 409 })
  await call('PUT', '/admin/storage/Odd', { body: { entries: {} } })
  deepStrictEqual(await backup('DurableObject'), before)
  console.log('  Nothing was changed by any of them.')
}

async function flood(): Promise<void> {
  heading('A flood')
  const body = { room: 'walk', user: 'eve', text: 'hello' }
  const statuses = new Map<number, number>()
  let last: Answer | undefined
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => send('POST', '/api/messages', { body })),
    )
    for (const answer of answers) {
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      if (answer.status === 429) last = answer
    }
    if ((statuses.get(429) ?? 0) > 50) break
  }
  console.log('  POST /api/messages, many at once:', Object.fromEntries(statuses))
  ok(last)
  show(last)
  deepStrictEqual(new Set(statuses.keys()), new Set([200, 429]))
  await call('GET', '/admin/namespaces')
  deepStrictEqual(await update(6, '!coffee'), 200)
  said('black, no sugar')
}

async function backup(storage: string): Promise<Part[]> {
  const parts: Part[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const path = `/admin/backup?storage=${storage}&cursor=${cursor}`
    const { body } = await call('GET', path)
    const part = body as Part
    parts.push(part)
    cursor = part.next
  }
  return parts
}

async function wipe(storage: string): Promise<void> {
  const { body } = await call('GET', `/admin/namespaces?storage=${storage}`)
  for (const namespace of body['namespaces'] as readonly string[]) {
    await call('PUT', `/admin/storage/${namespace}?storage=${storage}`, { body: { entries: {} } })
  }
}

async function restore(storage: string, parts: readonly Part[]): Promise<void> {
  let id: unknown
  for (const part of parts) {
    for (let again: unknown = true; again === true;) {
      const body = { mode: 'replace', part, restore: id }
      const answer = await call('POST', `/admin/restore?storage=${storage}`, { body })
      id = answer.body['restore']
      ;({ again } = answer.body)
    }
  }
}

interface Sending {
  readonly body?: unknown
  readonly type?: string
  readonly token?: string
  /** The secret of Telegram's server, in the place of the token. */
  readonly secret?: string
}

async function send(method: string, path: string, sending: Sending = {}): Promise<Answer> {
  const { body, type = 'application/json', token = TOKEN, secret } = sending
  const headers: Record<string, string> =
    secret === undefined
      ? { authorization: `Bearer ${token}` }
      : { 'x-telegram-bot-api-secret-token': secret }
  if (body !== undefined) headers['content-type'] = type
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
  const reply = await fetch(new URL(path, server.url), { method, headers, body: text ?? null })
  return {
    status: reply.status,
    retryAfter: reply.headers.get('retry-after'),
    body: (await reply.json()) as Json,
  }
}

/** Makes a call, prints it with its answer, and holds the status against what it should be. */
async function call(
  method: string,
  path: string,
  { status = 200, ...sending }: Sending & { readonly status?: number } = {},
): Promise<Answer> {
  const { body } = sending
  console.log(`\n  ${method} ${path} ${body === undefined ? '' : short(body)}`)
  const answer = await send(method, path, sending)
  show(answer)
  deepStrictEqual(answer.status, status)
  return answer
}

/** Brings an update, as Telegram's server does. */
async function update(id: number, text: string, from = ANN): Promise<number> {
  const chat = { id: CHAT, type: 'group', title: 'Coffee' }
  const length = text.split(/\s/)[0]?.length
  const entities = text.startsWith('/') ? [{ type: 'bot_command', offset: 0, length }] : []
  const date = 1_795_000_000 + id
  const message = { message_id: id, date, chat, from, text, entities }
  const body = { update_id: id, message }
  const answer = await send('POST', '/telegram', { body, secret: SECRET })
  const { status, retryAfter } = answer
  const later = retryAfter === null ? '' : `, Retry-After: ${retryAfter}`
  console.log(
    `  POST /telegram: update ${id}, ${from.username} says ${text}  ->  ${status}${later}`,
  )
  return status
}

/** Holds what the chat got since it was asked last against what it should have got. */
function said(...texts: readonly string[]): void {
  const got = telegram.calls
    .splice(0)
    .filter(({ method, status }) => method === 'sendMessage' && status === 200)
    .map(({ body }) => body['text'])
  for (const text of got) console.log(`  The chat got: ${JSON.stringify(text)}`)
  deepStrictEqual(got, texts)
}

function heading(title: string): void {
  console.log(`\n${title}\n${'-'.repeat(title.length)}`)
}

function show({ status, retryAfter, body }: Answer): void {
  console.log(
    `  ${status}${retryAfter === null ? '' : `, Retry-After: ${retryAfter}`}  ${short(body)}`,
  )
}

function short(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return text.length > 160 ? `${text.slice(0, 150)} … (${text.length} characters)` : text
}
