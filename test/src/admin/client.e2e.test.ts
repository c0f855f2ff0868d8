import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { memory } from '../../../adapters/memory.ts'
import { encode } from '../../../src/codec.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { remoteTarget } from '../../../src/admin/remote-target.ts'
import { parseBackup, formatBackup } from '../../../src/backup/file.ts'
import { type BackupTarget, readAll } from '../../../src/backup/target.ts'
import { planRestore } from '../../../src/backup/plan.ts'
import { runtimeTarget } from '../../../src/backup/runtime-target.ts'
import { Bot } from '../../../worker/bot/bot.ts'
import { callBot } from '../../../src/admin/client.ts'
import { findBot } from '../../../worker/bot/find-bot.ts'
import { replayEvents, sendEvents } from '../../../worker/bot/replay-events.ts'
import { stored } from '../../worker/support/stored.ts'
import { logEvents, LOGS } from '../../worker/support/irc-logs.ts'
import { STARTS_WITHIN, STORAGES, TestServers, TOKEN } from '../../worker/support/test-servers.ts'

const servers = new TestServers()
let main: DevServer
let open: DevServer

beforeAll(async () => {
  const [mainState, openState] = await Promise.all([servers.folder(), servers.folder()])
  ;[main, open] = await Promise.all([servers.start(mainState, TOKEN), servers.start(openState)])
}, STARTS_WITHIN)

afterAll(() => servers.stop(), 20_000)

const targetOn = (storage: string): BackupTarget =>
  remoteTarget({ url: main.url, token: TOKEN, storage })

interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

async function call(url: string, path: string, body?: unknown, more = {}): Promise<Reply> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...more }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const init = body === undefined ? { headers } : { method: 'POST', headers, body: text }
  const reply = await fetch(new URL(path, url), init)
  return {
    status: reply.status,
    headers: reply.headers,
    body: (await reply.json()) as Reply['body'],
  }
}

/** Creates a backup of a bot that heard a real log, with every kind of value and odd names. */
async function makeBackup(): Promise<Uint8Array> {
  await using runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
  const bot = await Bot.start(runtime, { storage: { name: 'Memory' } })
  await replayEvents(bot, logEvents(LOGS[0]), '#ubuntu')
  for (const namespace of ['.', '..', '%2e', '__proto__', 'a/b:c %\u0000?#&', 'ü 日本 🤖']) {
    await using store = await runtime.open(namespace)
    for (const key of ['', '.', '__proto__', 'a/b:c %?#&\n', 'ü 日本 🤖']) await store.set(key, key)
  }
  await using values = await runtime.open('values')
  for (const { name, make } of VALID_VALUES) await values.set(name, make())
  const contents = await readAll(runtimeTarget(runtime))
  const text = await formatBackup({ at: new Date(0).toISOString(), storage: 'Memory', contents })
  return new TextEncoder().encode(text)
}

describe.each(STORAGES)('a restore on %s', (storage) => {
  test(
    'sets every entry of the backup, once or twice with the same result',
    async () => {
      const { contents } = await parseBackup(await makeBackup())
      const target = targetOn(storage)
      await target.apply([{ namespace: 'gone', key: 'k', value: encode(1) }])
      expect(await target.namespaces()).toEqual(['gone'])
      const { changes, added, removed } = planRestore(contents, await readAll(target), 'replace')
      expect(added).toBeGreaterThan(350)
      expect(removed).toBe(1)
      for (let time = 0; time < 2; time++) {
        const done: number[] = []
        await target.apply(changes, (count) => done.push(count))
        expect(done.length).toBeGreaterThan(1)
        expect(done.at(-1)).toBe(changes.length)
        expect(await readAll(target)).toEqual(contents)
      }
    },
    STARTS_WITHIN,
  )
})

test('apply() sets all entries before it removes any', async () => {
  const target = targetOn('DurableObject')
  const old = Array.from({ length: 250 }, (_, n) => ({ namespace: 'n', key: `a${n}` }))
  await target.apply(old.map((name) => ({ ...name, value: encode(1) })))
  const large = { namespace: 'n', key: 'z', value: encode('x'.repeat(2_100_000)) }
  const removed = old.map((name) => ({ ...name, remove: true as const }))
  await expect(target.apply([...removed, large])).rejects.toMatchObject({ status: 413 })
  expect((await target.entries('n')).size).toBe(250)
  const done: number[] = []
  await target.apply([{ ...large, value: encode(1) }, ...removed], (count) => done.push(count))
  expect(done).toEqual([1, 201, 251])
  expect([...(await target.entries('n')).keys()]).toEqual(['z'])
  await target.apply([{ namespace: 'n', key: 'z', remove: true }])
})

test('a value of the largest size of a Durable Object is restored, even if JSON escapes its encoded value twice', async () => {
  const contents = new Map([
    [
      'heavy',
      new Map([
        ['a', stored('x'.repeat(1_900_000))],
        // JSON escapes the character as six, and escapes those as seven.
        ['b', stored('\u0001'.repeat(1_900_000))],
        ['c', stored(1)],
      ]),
    ],
  ])
  const target = targetOn('DurableObject')
  const done: number[] = []
  await target.apply(planRestore(contents, new Map(), 'merge').changes, (count) => done.push(count))
  expect(done).toEqual([1, 2, 3])
  expect((await target.entries('heavy')).get('b')).toEqual(contents.get('heavy')?.get('b'))
  expect(planRestore(contents, await readAll(target), 'merge').changes).toEqual([])
})

test('sendEvents() sends a log in chunks and reports the number of events heard', async () => {
  const heard: number[] = []
  const events = logEvents(LOGS[1]).slice(0, 250)
  const access = { url: main.url, token: TOKEN }
  await sendEvents(access, 'DurableObject', events, 'r', (count) => heard.push(count))
  expect(heard).toEqual([100, 200, 250])
})

describe('findBot()', () => {
  test('returns the storages of a bot without a token', async () => {
    const storages = [{ name: 'DurableObject', default: true }, { name: 'CloudflareKV' }]
    expect(await findBot(main.url)).toEqual({ storages, admin: true, chat: true })
    expect(await findBot(open.url)).toEqual({ storages, admin: false, chat: true })
    const reply = await call(main.url, '/api/storages', {})
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'GET'])
  })
})

describe('a call rejects with an AdminError', () => {
  test('if the bot cannot be reached', async () => {
    const url = 'http://127.0.0.1:1'
    expect(await failed(url)).toMatchObject({
      message: `The bot at ${url} cannot be reached.`,
      status: undefined,
      retryable: true,
    })
    expect(await findBot(url)).toBeUndefined()
  })
  test('if the token is wrong, missing, or not configured in the bot', async () => {
    expect(await failed(main.url, 'wrong')).toMatchObject({
      name: 'AdminError',
      message: 'The admin token is wrong: it is not the ADMIN_TOKEN of the bot.',
      status: 401,
      retryable: false,
    })
    await expect(callBot({ url: main.url }, 'admin/namespaces')).rejects.toMatchObject({
      message: `This call needs the admin token of the bot at ${main.url}, and none was sent.`,
      status: 401,
    })
    expect(await failed(open.url)).toMatchObject({
      message: `The bot at ${open.url} has nothing at admin/namespaces (status 404). Check the URL and the base path. The admin API exists only if the bot has an admin token.`,
      status: 404,
      retryable: false,
    })
  })
  test('with the message of the Worker if it sent one', async () => {
    expect(await failed(main.url, TOKEN, 'Redis')).toMatchObject({
      message: '"storage" must be one of: DurableObject, CloudflareKV; received "Redis".',
      status: 400,
      retryable: false,
    })
    const url = await served((_, reply) => {
      reply.writeHead(503).end('{"error":"The storage failed for now; try again later."}')
    })
    expect(await failed(url)).toMatchObject({
      message: 'The storage failed for now; try again later.',
      status: 503,
      retryable: true,
    })
  })
  test('if the bot does not answer in time', async () => {
    const url = await served(() => {})
    await expect(callBot({ url }, 'api/storages', { timeoutMs: 100 })).rejects.toMatchObject({
      message: `The bot at ${url} did not answer in time, within 100 ms.`,
      status: undefined,
      retryable: false,
    })
    expect(await findBot(url, 100)).toBeUndefined()
  })
  test('if the server is not a bot', async () => {
    const url = await served((_, reply) => reply.end('<!doctype html>'))
    expect(await failed(url)).toMatchObject({
      message: `The server at ${url} returned no JSON of a bot (status 200). Check the URL and the base path.`,
      retryable: false,
    })
    expect(await findBot(url)).toBeUndefined()
  })
  test('if a change is too large to send, before any change is sent', async () => {
    const changes = [
      { namespace: 'first', key: 'k', value: encode(1) },
      { namespace: 'second', key: 'k', value: encode('x'.repeat(16_777_216)) },
    ]
    await expect(targetOn('DurableObject').apply(changes)).rejects.toThrow(
      'The entry "k" of "second" is too large to send',
    )
    expect(await targetOn('DurableObject').entries('first')).toEqual(new Map())
  })
})

describe('a call of apply()', () => {
  const changes = [{ namespace: 'a', key: 'k', value: encode(1) }]
  test('is retried with growing delays while the bot is busy or cannot be reached', async () => {
    const { target, bodies, at } = await answering(503, 0, 429, 200)
    const done: number[] = []
    await target.apply(changes, (count) => done.push(count))
    expect(done).toEqual([1])
    expect(new Set(bodies).size).toBe(1)
    expect(bodies).toHaveLength(4)
    expect(JSON.parse(bodies[0] ?? '')).toMatchObject({ mode: 'merge', part: { entries: changes } })
    const [first = 0, second = 0, third = 0] = at.slice(1).map((time, i) => time - (at[i] ?? 0))
    expect(first).toBeGreaterThan(400)
    expect(second).toBeGreaterThan(first)
    expect(third).toBeGreaterThan(second)
  })
  test('is sent at most four times, and once if a retry does not help', async () => {
    const busy = await answering(503, 503, 503, 503)
    await expect(busy.target.apply(changes)).rejects.toMatchObject({ status: 503 })
    expect(busy.bodies).toHaveLength(4)
    const wrong = await answering(400)
    await expect(wrong.target.apply(changes)).rejects.toThrow('Not now.')
    expect(wrong.bodies).toHaveLength(1)
  })
})

/** Resolves to the error of a call. */
async function failed(
  url: string,
  token: string = TOKEN,
  storage = 'DurableObject',
): Promise<unknown> {
  return remoteTarget({ url, token, storage })
    .namespaces()
    .then(
      () => undefined,
      (error: unknown) => error,
    )
}

/** Starts a server that is not a bot; resolves to its URL. */
async function served(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Starts a bot that answers with these statuses in turn, and then with 200; 0 hangs up. */
async function answering(
  ...statuses: readonly number[]
): Promise<{ target: BackupTarget; bodies: string[]; at: number[] }> {
  const bodies: string[] = []
  const at: number[] = []
  const url = await served((request, reply) => {
    let body = ''
    request.on('data', (part) => (body += String(part)))
    request.on('end', () => {
      const status = statuses[bodies.length] ?? 200
      bodies.push(body)
      at.push(Date.now())
      if (status === 0) request.socket.destroy()
      else
        reply
          .writeHead(status)
          .end('{"error":"Not now.","restore":"id","again":false,"done":true,"set":1,"removed":0}')
    })
  })
  return { target: remoteTarget({ url, token: TOKEN, storage: 'DurableObject' }), bodies, at }
}
