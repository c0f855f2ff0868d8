// Calls every route of the bot in a local Worker with temporary data, and prints each call with its
// response: `npm run e2e`. Exits with 1 at the first response that is not as expected.
import { deepStrictEqual, ok } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { BOT_TOKEN, FakeBotApi } from './bot-api.ts'
import { freePort, startDevServer } from './dev-server.ts'
import { type Answer, E2eCalls, type Json, printAnswer, printHeading } from './e2e-calls.ts'

const TOKEN = 'the token of this run'
const SECRET = 'the-secret-of-its-webhook'
const STORAGES = ['DurableObject', 'CloudflareKV'] as const
const CHAT = -4711
const ANN = { id: 1, is_bot: false, first_name: 'Ann', username: 'ann' }
const BEN = { id: 2, is_bot: false, first_name: 'Ben', username: 'ben' }

/** A part of a backup. */
interface Part extends Json {
  readonly entries: readonly Json[]
  readonly next: string | null
}

let telegram: FakeBotApi
let bot: E2eCalls
const started = new AsyncDisposableStack()
try {
  const state = await mkdtemp(join(tmpdir(), 'botshelf-e2e-'))
  started.defer(() => rm(state, { recursive: true, force: true }))
  telegram = await FakeBotApi.start()
  started.defer(() => telegram.close())
  await startBot(state)
  await talkOnTelegram()
  await changeEntries()
  for (const storage of STORAGES) await backUpAndRestore(storage)
  await moveToKv()
  await sendInvalidInput()
  await exceedLimit()
  console.log('\nAll responses are as expected.')
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  // In reverse order; if a start failed, what was started before it stops too.
  await started.disposeAsync()
}

async function startBot(state: string): Promise<void> {
  const port = await freePort()
  if (port === undefined) throw new Error('No port is free.')
  console.log('Starting the bot, and a fake Telegram server ...')
  const variables = {
    TELEGRAM_BOT_TOKEN: BOT_TOKEN,
    TELEGRAM_WEBHOOK_SECRET: SECRET,
    TELEGRAM_API_ROOT: telegram.url,
  }
  const server = await startDevServer({ port, token: TOKEN, state, variables })
  bot = new E2eCalls(server.url, TOKEN)
  started.defer(() => server.stop())
}

async function talkOnTelegram(): Promise<void> {
  printHeading('Telegram')
  deepStrictEqual(await update(1, '!learn coffee = black, no sugar'), 200)
  deepStrictEqual(await update(2, '/coffee'), 200)
  deepStrictEqual(await update(2, '/coffee'), 200)
  assertReceived('I will remember "coffee".', 'black, no sugar')
  console.log('  Update 2 was sent twice and answered once. Now 20 updates at once:')
  await update(3, 'hello', BEN)
  const praises = Array.from({ length: 20 }, (_, at) => update(100 + at, 'ben++'))
  deepStrictEqual(new Set(await Promise.all(praises)), new Set([200]))
  const { body } = await bot.call('GET', '/admin/storage/Karma?as=json')
  deepStrictEqual(body['entries'], { ben: 20 })

  console.log('\n  Telegram refuses messages for a minute; then it sends the update again:')
  telegram.calls.splice(0)
  telegram.failNext(CHAT, { status: 429, description: 'Too Many Requests', retryAfter: 60 })
  deepStrictEqual(await update(4, '!todo add tea'), 503)
  deepStrictEqual(await update(4, '!todo add tea'), 200)
  assertReceived('Added as 1.')
  deepStrictEqual(await update(5, '!todo'), 200)
  assertReceived('1. tea')
  await bot.call('POST', '/telegram', { body: {}, secret: 'a wrong one', status: 401 })
  await bot.call('POST', '/telegram', { body: { hello: 'world' }, secret: SECRET, status: 400 })
}

async function changeEntries(): Promise<void> {
  printHeading('Reading and changing entries')
  const karma = '/admin/storage/Karma?as=json'
  await bot.call('PATCH', karma, { body: { entries: { zoe: 3 }, lists: 'append' } })
  await bot.call('GET', karma)
  const lists = '/admin/storage/Lists?as=json'
  await bot.call('PUT', lists, { body: { entries: { list: [1], more: { a: { x: 1 } } } } })
  const more = { entries: { list: [2], more: { a: { y: 2 } } }, lists: 'append' }
  await bot.call('PATCH', lists, { body: more })
  const { body } = await bot.call('GET', lists)
  deepStrictEqual(body['entries'], { list: [1, 2], more: { a: { x: 1, y: 2 } } })
  await bot.call('GET', '/admin/keys/Seen')
  await bot.call('GET', '/admin/namespaces?sizes=true')
}

async function backUpAndRestore(storage: string): Promise<void> {
  printHeading(`Backup, wipe and restore on ${storage}`)
  await bot.call('POST', '/api/messages', {
    body: { room: 'e2e', user: 'ann', text: '!learn tea = green', storage },
  })
  const pairs = Array.from({ length: 150 }, (_, n) => [`k${n}`, 'x'.repeat(10_000)])
  const entries = Object.fromEntries(pairs) as Json
  await bot.call('PUT', `/admin/storage/Large?as=json&storage=${storage}`, { body: { entries } })
  const parts = await backup(storage)
  ok(parts.length > 1, 'The backup has several parts.')
  await wipe(storage)
  deepStrictEqual(
    (await backup(storage)).flatMap((part) => part.entries),
    [],
  )
  await restore(storage, parts)
  deepStrictEqual(await backup(storage), parts)
  console.log('  A backup of the restored entries equals the first one.')
}

async function moveToKv(): Promise<void> {
  printHeading('From the Durable Object to Workers KV')
  const parts = await backup('DurableObject')
  await restore('CloudflareKV', parts)
  deepStrictEqual(await backup('CloudflareKV'), parts)
}

async function sendInvalidInput(): Promise<void> {
  printHeading('Invalid input')
  const before = await backup('DurableObject')
  const [first] = before
  ok(first)
  const put = '/admin/storage/Karma'
  const { body: begun } = await bot.call('POST', '/admin/restore', {
    body: { mode: 'merge', part: first },
  })
  const cut = { ...first, entries: first.entries.slice(1) }
  const altered = { ...first, entries: [{ ...first.entries[0], value: '1:[0]' }] }
  const { restore: id } = begun
  await bot.call('DELETE', put, { status: 405 })
  await bot.call('PUT', put, { body: 'entries', type: 'text/plain', status: 415 })
  await bot.call('GET', put, { token: 'a wrong one', status: 401 })
  await bot.call('GET', '/admin/storage?namespace=', { status: 400 })
  await bot.call('GET', '/admin/storage/Karma?cursor=x', { status: 400 })
  await bot.call('GET', '/admin/backup?cursor=x', { status: 400 })
  await bot.call('PUT', put, { body: '{"entries":', status: 400 })
  await bot.call('PUT', put, { body: { entries: { k: '{}' } }, status: 400 })
  await bot.call('PUT', `${put}?as=json`, {
    body: '{"entries":{"k":{"__proto__":1}}}',
    status: 400,
  })
  await bot.call('PUT', put, { body: { entries: { k: '1:[[-7,3000000]]' } }, status: 413 })
  await bot.call('PUT', put, { body: { entries: { k: 'x'.repeat(2 ** 24) } }, status: 413 })
  for (const [part, status] of [
    [cut, 400],
    [altered, 400],
    [first, 409],
  ] as const) {
    await bot.call('POST', '/admin/restore', { body: { mode: 'merge', part, restore: id }, status })
  }
  await bot.call('PUT', '/admin/storage/Odd', { body: { entries: { when: '1:[["Date",""]]' } } })
  await bot.call('GET', '/admin/storage/Odd?as=json', { status: 409 })
  await bot.call('PUT', '/admin/storage/Odd', { body: { entries: {} } })
  deepStrictEqual(await backup('DurableObject'), before)
  console.log('  None of these calls changed anything.')
}

async function exceedLimit(): Promise<void> {
  printHeading('Rate limits')
  const body = { room: 'e2e', user: 'eve', text: 'hello' }
  const statuses = new Map<number, number>()
  let last: Answer | undefined
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => bot.send('POST', '/api/messages', { body })),
    )
    for (const answer of answers) {
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      if (answer.status === 429) last = answer
    }
    if ((statuses.get(429) ?? 0) > 50) break
  }
  console.log('  POST /api/messages, many at once:', Object.fromEntries(statuses))
  ok(last)
  printAnswer(last)
  deepStrictEqual(new Set(statuses.keys()), new Set([200, 429]))
  await bot.call('GET', '/admin/namespaces')
  deepStrictEqual(await update(6, '!coffee'), 200)
  assertReceived('black, no sugar')
}

async function backup(storage: string): Promise<Part[]> {
  const parts: Part[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const path = `/admin/backup?storage=${storage}&cursor=${cursor}`
    const { body } = await bot.call('GET', path)
    const part = body as Part
    parts.push(part)
    cursor = part.next
  }
  return parts
}

async function wipe(storage: string): Promise<void> {
  const { body } = await bot.call('GET', `/admin/namespaces?storage=${storage}`)
  for (const namespace of body['namespaces'] as readonly string[]) {
    await bot.call('PUT', `/admin/storage/${namespace}?storage=${storage}`, {
      body: { entries: {} },
    })
  }
}

async function restore(storage: string, parts: readonly Part[]): Promise<void> {
  let id: unknown
  for (const part of parts) {
    for (let again: unknown = true; again === true;) {
      const body = { mode: 'replace', part, restore: id }
      const answer = await bot.call('POST', `/admin/restore?storage=${storage}`, { body })
      id = answer.body['restore']
      ;({ again } = answer.body)
    }
  }
}

/** Sends an update as Telegram's server does; resolves to the status. */
async function update(id: number, text: string, from = ANN): Promise<number> {
  const chat = { id: CHAT, type: 'group', title: 'Coffee' }
  const length = text.split(/\s/)[0]?.length
  const entities = text.startsWith('/') ? [{ type: 'bot_command', offset: 0, length }] : []
  const date = 1_795_000_000 + id
  const message = { message_id: id, date, chat, from, text, entities }
  const body = { update_id: id, message }
  const answer = await bot.send('POST', '/telegram', { body, secret: SECRET })
  const { status, retryAfter } = answer
  const later = retryAfter === null ? '' : `, Retry-After: ${retryAfter}`
  console.log(
    `  POST /telegram: update ${id}, ${from.username} says ${text}  ->  ${status}${later}`,
  )
  return status
}

/** Asserts which messages the chat received since the last check. */
function assertReceived(...texts: readonly string[]): void {
  const received = telegram.calls
    .splice(0)
    .filter(({ method, status }) => method === 'sendMessage' && status === 200)
    .map(({ body }) => body['text'])
  for (const text of received) console.log(`  The chat received: ${JSON.stringify(text)}`)
  deepStrictEqual(received, texts)
}
