import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { memory } from '../../../adapters/memory.ts'
import { encode } from '../../../src/codec.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { remoteTarget } from '../../../src/admin/remote-target.ts'
import { readBackup, writeBackup } from '../../../src/backup/file.ts'
import { type BackupTarget, readAll } from '../../../src/backup/target.ts'
import { planRestore } from '../../../src/backup/plan.ts'
import { runtimeTarget } from '../../../src/backup/runtime-target.ts'
import { Bot } from '../../../worker/bot/bot.ts'
import { callBot, findBot } from '../../../src/admin/client.ts'
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

const edge = (storage: string): BackupTarget =>
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

/** What a bot knows that heard a real log, and every kind of value under odd names besides. */
async function knowledge(): Promise<Uint8Array> {
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
  const text = writeBackup({ at: new Date(0).toISOString(), storage: 'Memory', contents })
  return new TextEncoder().encode(text)
}

describe.each(STORAGES)('a restore on %s', (storage) => {
  test(
    'has every entry of the backup, and made twice it is the same',
    async () => {
      const { contents } = readBackup(await knowledge())
      const place = edge(storage)
      await place.apply([{ namespace: 'gone', key: 'k', value: encode(1) }])
      expect(await place.namespaces()).toEqual(['gone'])
      const { changes, added, removed } = planRestore(contents, await readAll(place), 'replace')
      expect(added).toBeGreaterThan(350)
      expect(removed).toBe(1)
      for (let time = 0; time < 2; time++) {
        const done: number[] = []
        await place.apply(changes, (count) => done.push(count))
        expect(done.length).toBeGreaterThan(1)
        expect(done.at(-1)).toBe(changes.length)
        expect(await readAll(place)).toEqual(contents)
      }
    },
    STARTS_WITHIN,
  )
})

test('nothing is removed before all that is new is there', async () => {
  const place = edge('DurableObject')
  const old = Array.from({ length: 250 }, (_, n) => ({ namespace: 'n', key: `a${n}` }))
  await place.apply(old.map((name) => ({ ...name, value: encode(1) })))
  const large = { namespace: 'n', key: 'z', value: encode('x'.repeat(2_100_000)) }
  const removed = old.map((name) => ({ ...name, remove: true as const }))
  await expect(place.apply([...removed, large])).rejects.toMatchObject({ status: 413 })
  expect((await place.entries('n')).size).toBe(250)
  const done: number[] = []
  await place.apply([{ ...large, value: encode(1) }, ...removed], (count) => done.push(count))
  expect(done).toEqual([1, 201, 251])
  expect([...(await place.entries('n')).keys()]).toEqual(['z'])
  await place.apply([{ namespace: 'n', key: 'z', remove: true }])
})

test('a value as large as an object takes is restored, however its text is escaped', async () => {
  const contents = new Map([
    [
      'heavy',
      new Map([
        ['a', stored('x'.repeat(1_900_000))],
        // Six characters for one, and seven when they are escaped again.
        ['b', stored('\u0001'.repeat(1_900_000))],
        ['c', stored(1)],
      ]),
    ],
  ])
  const place = edge('DurableObject')
  const done: number[] = []
  await place.apply(planRestore(contents, new Map(), 'merge').changes, (count) => done.push(count))
  expect(done).toEqual([1, 2, 3])
  expect((await place.entries('heavy')).get('b')).toEqual(contents.get('heavy')?.get('b'))
  expect(planRestore(contents, await readAll(place), 'merge').changes).toEqual([])
})

test('a log is sent in parts, and says how many events were heard', async () => {
  const heard: number[] = []
  const events = logEvents(LOGS[1]).slice(0, 250)
  const access = { url: main.url, token: TOKEN }
  await sendEvents(access, 'DurableObject', events, 'r', (count) => heard.push(count))
  expect(heard).toEqual([100, 200, 250])
})

describe('what there is', () => {
  test('is told to anybody', async () => {
    const storages = [{ name: 'DurableObject', default: true }, { name: 'CloudflareKV' }]
    expect(await findBot(main.url)).toEqual({ storages, admin: true, chat: true })
    expect(await findBot(open.url)).toEqual({ storages, admin: false, chat: true })
    const reply = await call(main.url, '/api/storages', {})
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'GET'])
  })
})

describe('what a person reads when the edge does not do it', () => {
  test('it is not there', async () => {
    const url = 'http://127.0.0.1:1'
    expect(await failed(url)).toMatchObject({
      message: `The bot at ${url} cannot be reached.`,
      status: undefined,
      retryable: true,
    })
    expect(await findBot(url)).toBeUndefined()
  })
  test('the token is wrong, or there is no operator', async () => {
    expect(await failed(main.url, 'wrong')).toMatchObject({
      name: 'PlaceError',
      message: "The operator's token is wrong.",
      status: 401,
      retryable: false,
    })
    expect(await failed(open.url)).toMatchObject({
      message: `The bot at ${open.url} has no operator: no token is configured there.`,
      status: 404,
      retryable: false,
    })
  })
  test('what the Worker says', async () => {
    expect(await failed(main.url, TOKEN, 'Redis')).toMatchObject({
      message: '"storage" must be one of: DurableObject, CloudflareKV.',
      status: 400,
      retryable: false,
    })
    const url = await served((_, reply) => {
      reply.writeHead(503).end('{"error":"The storage is busy; try again."}')
    })
    expect(await failed(url)).toMatchObject({
      message: 'The storage is busy; try again.',
      status: 503,
      retryable: true,
    })
  })
  test('it does not answer in time', async () => {
    const url = await served(() => {})
    await expect(callBot({ url }, 'api/storages', undefined, 100)).rejects.toMatchObject({
      message: `The bot at ${url} did not answer in time.`,
      status: undefined,
      retryable: false,
    })
    expect(await findBot(url, 100)).toBeUndefined()
  })
  test('it is something else, such as a server of files', async () => {
    const url = await served((_, reply) => reply.end('<!doctype html>'))
    expect(await failed(url)).toMatchObject({
      message: `The bot at ${url} gave an answer that cannot be understood (status 200).`,
      retryable: false,
    })
    expect(await findBot(url)).toBeUndefined()
  })
  test('a change that fits into no call is refused before any is made', async () => {
    const changes = [
      { namespace: 'first', key: 'k', value: encode(1) },
      { namespace: 'second', key: 'k', value: encode('x'.repeat(16_777_216)) },
    ]
    await expect(edge('DurableObject').apply(changes)).rejects.toThrow(
      'The entry "k" of "second" is too large to be sent',
    )
    expect(await edge('DurableObject').entries('first')).toEqual(new Map())
  })
})

describe('a part of a restore', () => {
  const changes = [{ namespace: 'a', key: 'k', value: encode(1) }]
  test('is sent again while the edge is busy or away, after growing pauses', async () => {
    const { place, bodies, at } = await answering(503, 0, 429, 200)
    const done: number[] = []
    await place.apply(changes, (count) => done.push(count))
    expect(done).toEqual([1])
    expect(new Set(bodies).size).toBe(1)
    expect(bodies).toHaveLength(4)
    expect(JSON.parse(bodies[0] ?? '')).toMatchObject({ mode: 'merge', part: { entries: changes } })
    const [first = 0, second = 0, third = 0] = at.slice(1).map((time, i) => time - (at[i] ?? 0))
    expect(first).toBeGreaterThan(400)
    expect(second).toBeGreaterThan(first)
    expect(third).toBeGreaterThan(second)
  })
  test('is sent four times at most, and once if that cannot help', async () => {
    const busy = await answering(503, 503, 503, 503)
    await expect(busy.place.apply(changes)).rejects.toMatchObject({ status: 503 })
    expect(busy.bodies).toHaveLength(4)
    const wrong = await answering(400)
    await expect(wrong.place.apply(changes)).rejects.toThrow('Not now.')
    expect(wrong.bodies).toHaveLength(1)
  })
})

/** What asking the edge comes to, which has to fail. */
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

/** Serves something else; resolves to its address. */
async function served(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An edge that answers with these statuses, one after another, and then well; 0 hangs up. */
async function answering(
  ...statuses: readonly number[]
): Promise<{ place: BackupTarget; bodies: string[]; at: number[] }> {
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
      else reply.writeHead(status).end('{"error":"Not now.","restore":"id"}')
    })
  })
  return { place: remoteTarget({ url, token: TOKEN, storage: 'DurableObject' }), bodies, at }
}
