import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { decode, encode } from '../../../src/codec.ts'
import { assertEqual } from '../../../src/conformance/assertions.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'
import { STARTS_WITHIN, STORAGES, TestServers, TOKEN } from '../../worker/support/test-servers.ts'

const servers = new TestServers()
/** What the Worker logged. */
const log: string[] = []
let main: DevServer
let open: DevServer

beforeAll(async () => {
  const [mainState, openState] = await Promise.all([servers.folder(), servers.folder()])
  ;[main, open] = await Promise.all([
    servers.start(mainState, TOKEN, { logs: true, onLine: (line) => log.push(line) }),
    servers.start(openState),
  ])
}, STARTS_WITHIN)

afterAll(() => servers.stop(), 20_000)

interface Part {
  format: number
  after: string | null
  entries: Record<string, unknown>[]
  next: string | null
  sha256: string
}

interface Body {
  readonly error?: string
  readonly entries?: Readonly<Record<string, unknown>>
  readonly expires?: Readonly<Record<string, number>>
  readonly keys?: readonly string[]
  readonly cursor?: string | null
  readonly namespaces?: readonly string[]
  readonly sizes?: Readonly<Record<string, number>>
  readonly restore?: string
  readonly set?: number
  readonly removed?: number
  readonly again?: boolean
  readonly done?: boolean
}

interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  more: Readonly<Record<string, string>> = {},
  server: DevServer = main,
): Promise<Reply> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...more }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const init = body === undefined ? { method, headers } : { method, headers, body: text }
  const reply = await fetch(new URL(path, server.url), init)
  return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Body }
}

const at = (namespace: string, storage: string, more = ''): string =>
  `/admin/storage?namespace=${encodeURIComponent(namespace)}&storage=${storage}${more}`

async function put(
  namespace: string,
  storage: string,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  const pairs = Object.entries(values).map(([key, value]) => [key, encode(value)])
  const reply = await call('PUT', at(namespace, storage), { entries: Object.fromEntries(pairs) })
  expect([reply.status, reply.body.error]).toEqual([200, undefined])
}

async function held(namespace: string, storage: string): Promise<Record<string, unknown>> {
  const { body } = await call('GET', at(namespace, storage))
  const pairs = Object.entries(body.entries ?? {})
  return Object.fromEntries(pairs.map(([key, text]) => [key, decode(text as string)]))
}

async function backup(storage: string): Promise<Part[]> {
  const pages: Part[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const more: string = cursor === '' ? '' : `&cursor=${cursor}`
    const { status, body } = await call('GET', `/admin/backup?storage=${storage}${more}`)
    expect(status).toBe(200)
    const page = body as unknown as Part
    pages.push(page)
    cursor = page.next
  }
  return pages
}

async function restore(storage: string, mode: string, parts: readonly Part[]): Promise<Reply[]> {
  const replies: Reply[] = []
  let id: string | undefined
  for (const part of parts) {
    for (let again = true; again;) {
      const body = { mode, part, restore: id }
      const reply = await call('POST', `/admin/restore?storage=${storage}`, body)
      replies.push(reply)
      if (reply.status !== 200) return replies
      id = reply.body.restore
      again = reply.body.again === true
    }
  }
  return replies
}

/** Adds entries, up to 200 of them: a restore sets them in one call to the storage, a merge one by one. */
async function fill(
  namespace: string,
  storage: string,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  const entries = Object.entries(values)
    .map(([key, value]) => ({ namespace, key, value: encode(value) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const part = sealed({ after: null, entries, next: null })
  expect((await restore(storage, 'merge', [part])).at(-1)?.body.done).toBe(true)
}

async function wipe(storage: string): Promise<void> {
  const empty = sealed({ after: null, entries: [], next: null })
  expect((await restore(storage, 'replace', [empty])).at(-1)?.body.done).toBe(true)
}

/** As docs/operating.md says that a part is sealed. */
function sealed(part: Omit<Part, 'sha256' | 'format'>): Part {
  const lines = part.entries.map((entry) => JSON.stringify(entry))
  const text = [JSON.stringify(part.after), ...lines, JSON.stringify(part.next)].join('\n')
  return { format: 1, ...part, sha256: createHash('sha256').update(text).digest('hex') }
}

const cursor = (namespace: string, key: string): string =>
  Buffer.from(JSON.stringify([namespace, key])).toString('base64url')

function numberOne(key: string): Record<string, unknown> {
  return { namespace: 'R', key, value: encode(1) }
}

describe.each(STORAGES)('on %s', (storage) => {
  test('what is set is what is there, key by key, and what was there before is gone', async () => {
    await put('Set', storage, { old: 1, kept: 2 })
    const entries = { kept: encode(new Map([['a', 1n]])), new: encode([undefined, -0]) }
    const expires = { new: Date.now() + 3_600_000 }
    const reply = await call('PUT', at('Set', storage), { entries, expires })
    expect([reply.status, reply.body]).toEqual([200, { set: 2, removed: 1 }])
    expect((await call('GET', at('Set', storage))).body).toEqual({ entries, expires, cursor: null })
    expect((await call('GET', at('Set', storage, '&key=new'))).body).toEqual({
      entries: { new: entries.new },
      expires,
      cursor: null,
    })
    expect((await call('GET', at('Set', storage, '&key=none'))).body.entries).toEqual({})
    expect((await call('GET', at('Set', storage, '&prefix=ke'))).body.entries).toEqual({
      kept: entries.kept,
    })
  })

  test('dictionaries merge, lists append or are replaced, and what comes of it is stored', async () => {
    const before = { settings: { a: { x: 1 }, list: [1] }, list: [1], n: 1 }
    const next = { settings: { a: { y: 2 }, list: [2] }, list: [2], n: 2, fresh: [3] }
    const results = {
      append: { settings: { a: { x: 1, y: 2 }, list: [1, 2] }, list: [1, 2], n: 2, fresh: [3] },
      replace: { settings: { a: { x: 1, y: 2 }, list: [2] }, list: [2], n: 2, fresh: [3] },
    }
    for (const [lists, result] of Object.entries(results)) {
      await put('Merge', storage, { ...before, gone: 1, stays: 1 })
      const body = { entries: next, lists, remove: ['gone', 'never'] }
      const reply = await call('PATCH', at('Merge', storage, '&as=json'), body)
      expect([reply.status, reply.body]).toEqual([200, { set: 4, removed: 2 }])
      expect(await held('Merge', storage)).toEqual({ ...result, stays: 1 })
    }
  })

  test('merges of one key at once lose nothing, where the storage has atomic steps', async () => {
    if (storage === 'CloudflareKV') return
    await put('Race', storage, { list: [] })
    const merges = Array.from({ length: 20 }, (_, n) =>
      call('PATCH', at('Race', storage, '&as=json'), { entries: { list: [n] }, lists: 'append' }),
    )
    for (const { status } of await Promise.all(merges)) expect(status).toBe(200)
    const { list } = await held('Race', storage)
    expect((list as number[]).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, n) => n),
    )
  })

  test('plain JSON is given where nothing is lost by it, and is 409 where something is', async () => {
    await put('Plain', storage, { fine: { a: [1, 'two', null, { b: true }] } })
    const reply = await call('GET', at('Plain', storage, '&as=json'))
    expect(reply.body.entries).toEqual({ fine: { a: [1, 'two', null, { b: true }] } })
    await put('Plain', storage, { fine: 1, odd: { notes: [{ when: new Date(0) }] } })
    const odd = await call('GET', at('Plain', storage, '&as=json'))
    expect([odd.status, odd.body.error]).toEqual([
      409,
      'Plain JSON cannot hold the entry "odd": $.notes[0].when is a Date. Ask for it without "as=json".',
    ])
    expect((await call('GET', at('Plain', storage, '&as=json&key=fine'))).status).toBe(200)
  })

  test(
    'keys and entries come in pages, each once, and the namespaces with their sizes',
    async () => {
      const keys = Array.from({ length: 1100 }, (_, n) => `k${String(n).padStart(4, '0')}`)
      const pairs = keys.map((key) => [key, key])
      const merge = { entries: Object.fromEntries(pairs.slice(0, 200)), lists: 'replace' }
      expect((await call('PATCH', at('Many', storage, '&as=json'), merge)).status).toBe(200)
      for (let from = 200; from < keys.length; from += 200) {
        await fill('Many', storage, Object.fromEntries(pairs.slice(from, from + 200)))
      }
      const path = `/admin/keys/Many?storage=${storage}`
      const first = (await call('GET', path)).body
      expect(first.keys).toEqual(keys.slice(0, 1000))
      const second = (await call('GET', `${path}&cursor=${first.cursor}`)).body
      expect(second).toEqual({ keys: keys.slice(1000), cursor: null })
      const seen: string[] = []
      for (let more: string | null = ''; more !== null;) {
        const { body } = await call(
          'GET',
          at('Many', storage, more === '' ? '' : `&cursor=${more}`),
        )
        const page = Object.keys(body.entries ?? {})
        expect(page.length).toBeLessThanOrEqual(200)
        seen.push(...page)
        more = body.cursor ?? null
      }
      expect(seen).toEqual(keys)
      const { body } = await call('GET', `/admin/namespaces?storage=${storage}&sizes=true`)
      expect(body.sizes?.['Many']).toBe(1100)
      expect(body.namespaces).toEqual((body.namespaces ?? []).toSorted())
      // The first part of a backup is full.
      const part = (await call('GET', `/admin/backup?storage=${storage}`)).body
      expect(part.entries).toHaveLength(200)
      // More than can be removed at once.
      const refused = await call('PUT', at('Many', storage), { entries: {} })
      expect([refused.status, refused.body.error]).toEqual([
        413,
        'There are 1100 other entries, of which 500 can be removed at once; remove some of them first, by PATCH.',
      ])
      const empty = sealed({ after: null, entries: [], next: null })
      const replies = await restore(storage, 'replace', [empty])
      expect(replies.map(({ body: { again, done } }) => [again, done])).toEqual([
        ...Array.from({ length: replies.length - 1 }, () => [true, false]),
        [false, true],
      ])
      expect(replies.length).toBeGreaterThan(2)
      expect((await backup(storage)).flatMap(({ entries }) => entries)).toEqual([])
    },
    STARTS_WITHIN,
  )

  test(
    'a backup, restored after everything was wiped, is equal, entry by entry',
    async () => {
      await wipe(storage)
      const expires = Date.now() + 3_600_000
      const values = Object.fromEntries(
        VALID_VALUES.map(({ name, make }) => [name, encode(make())]),
      )
      for (const namespace of ['.', '..', '%2e', '__proto__', 'a/b:c %?#&', 'ü 日本 🤖']) {
        const path = at(namespace, storage)
        const keys = ['', '.', '__proto__', 'a/b:c %?#&\n', 'ü 日本 🤖']
        const entries = Object.fromEntries(keys.map((key) => [key, encode(namespace + key)]))
        expect((await call('PUT', path, { entries, expires: { '': expires } })).status).toBe(200)
      }
      const body = { entries: values, lists: 'replace' }
      expect((await call('PATCH', at('values', storage), body)).status).toBe(200)
      for (let part = 0; part < 2; part++) {
        const pairs = Array.from({ length: 80 }, (_, n) => [`k${part}-${n}`, 'x'.repeat(16_000)])
        await fill('large', storage, Object.fromEntries(pairs))
      }
      const pages = await backup(storage)
      expect(pages.length).toBeGreaterThan(2)
      for (const page of pages) expect(sealed(page)).toEqual(page)
      const entries = pages.flatMap((page) => page.entries)
      expect(entries.length).toBe(6 * 5 + VALID_VALUES.length + 160)
      expect(entries.filter((entry) => entry['expires'] === expires)).toHaveLength(6)
      for (const { name, make, reads = make } of VALID_VALUES) {
        const found = entries.find(({ namespace, key }) => namespace === 'values' && key === name)
        assertEqual(decode(found?.['value'] as string), reads(), name)
      }
      for (const mode of ['merge', 'replace']) {
        await wipe(storage)
        await put('extra', storage, { k: 1 })
        await put('values', storage, { extra: 1 })
        const replies = await restore(storage, mode, pages)
        expect(replies.map(({ status }) => status)).toEqual(pages.map(() => 200))
        expect(replies.at(-1)?.body.done).toBe(true)
        const extra =
          {
            merge: [
              ['extra', 'k'],
              ['values', 'extra'],
            ],
            replace: [] as string[][],
          }[mode] ?? []
        const again = (await backup(storage)).flatMap((page) => page.entries)
        expect(
          again.filter(({ key, namespace }) => key === 'extra' || namespace === 'extra').length,
        ).toBe(extra.length)
        expect(
          again.filter(({ key, namespace }) => key !== 'extra' && namespace !== 'extra'),
        ).toEqual(entries)
      }
      // Resumed, and each part sent twice, it is the same.
      await wipe(storage)
      let id: string | undefined
      for (const part of pages) {
        const sent = { mode: 'replace', part, restore: id }
        const [one, two] = [
          await call('POST', `/admin/restore?storage=${storage}`, sent),
          await call('POST', `/admin/restore?storage=${storage}`, sent),
        ]
        expect([one.status, two.status]).toEqual([200, 200])
        id = two.body.restore
      }
      expect((await backup(storage)).flatMap((page) => page.entries)).toEqual(entries)
    },
    STARTS_WITHIN,
  )

  test('a part that is not the next one, or not as it was made, is refused, and nothing is changed', async () => {
    await wipe(storage)
    const [a, b] = [numberOne('a'), numberOne('b')]
    const first = sealed({ after: null, entries: [a], next: cursor('R', 'a') })
    const second = sealed({ after: first.next, entries: [b], next: null })
    const send = (body: unknown): Promise<Reply> =>
      call('POST', `/admin/restore?storage=${storage}`, body)
    const begun = await send({ mode: 'merge', part: first })
    const id = begun.body.restore ?? ''
    const before = await backup(storage)
    const other = storage === 'DurableObject' ? 'CloudflareKV' : 'DurableObject'
    const cases: [number, string, unknown][] = [
      [409, 'a restore begins with the first part', { mode: 'merge', part: second }],
      [409, 'the next one begins behind "a" of "R"', { mode: 'merge', part: first, restore: id }],
      [409, 'was begun with the mode "merge"', { mode: 'replace', part: second, restore: id }],
      [400, 'restore id is none', { mode: 'merge', part: second, restore: `${id}A` }],
      [400, 'restore id is none', { mode: 'merge', part: second, restore: id.replace('.', '..') }],
      [400, 'restore id is none', { mode: 'merge', part: second, restore: '' }],
      [400, '"restore" must be a string', { mode: 'merge', part: second, restore: 7 }],
      [400, '"mode" must be one of: merge, replace', { part: second, restore: id }],
      [400, 'altered or cut', { mode: 'merge', restore: id, part: { ...second, entries: [] } }],
      [
        400,
        'altered or cut',
        { mode: 'merge', restore: id, part: { ...second, entries: [{ ...b, value: encode(2) }] } },
      ],
      [
        400,
        'altered or cut',
        { mode: 'merge', restore: id, part: { ...second, entries: [{ ...b, expires: 5 }] } },
      ],
      [
        400,
        'altered or cut',
        { mode: 'merge', restore: id, part: { ...second, next: cursor('R', 'b') } },
      ],
      [
        400,
        'not in order',
        { mode: 'merge', part: sealed({ after: null, entries: [b, a], next: null }) },
      ],
      [
        400,
        'not in order',
        { mode: 'merge', part: sealed({ after: null, entries: [a, a], next: null }) },
      ],
      [
        400,
        'not in order',
        {
          mode: 'merge',
          restore: id,
          part: sealed({ after: first.next, entries: [a], next: null }),
        },
      ],
      [
        400,
        '"next" is not the cursor of the last entry',
        { mode: 'merge', part: sealed({ after: null, entries: [a], next: cursor('R', 'z') }) },
      ],
      [
        400,
        '"next" is not the cursor of the last entry',
        { mode: 'merge', part: sealed({ after: null, entries: [], next: cursor('R', 'z') }) },
      ],
      [
        400,
        'The cursor is none',
        { mode: 'merge', part: sealed({ after: null, entries: [a], next: 'x' }) },
      ],
      [400, 'later version', { mode: 'merge', part: { ...second, format: 2 } }],
      [400, 'no format', { mode: 'merge', part: { ...second, format: '1' } }],
      [400, 'no field "more"', { mode: 'merge', part: { ...second, more: 1 } }],
      [400, 'no list of entries', { mode: 'merge', part: { ...second, entries: {} } }],
      [400, 'must be an object', { mode: 'merge', part: [second] }],
      [400, 'must be an object', { mode: 'merge' }],
      [400, 'no field "changes"', { mode: 'merge', part: second, changes: [] }],
      [
        413,
        'There are 201 entries',
        { mode: 'merge', part: { ...first, entries: Array(201).fill(a) } },
      ],
      ...(
        [
          ['Entry 1: It must be an object.', null],
          ['Entry 1: The field "value" is missing.', { namespace: 'R', key: 'k' }],
          ['Entry 1: There is no field "ttl"', { ...b, ttl: 1 }],
          ['Entry 1: There is no field "value"', { ...b, remove: true }],
          ['Entry 1: The field "remove" must be true.', { namespace: 'R', key: 'k', remove: 1 }],
          ['Entry 1: A namespace must be', { ...b, namespace: '' }],
          ['Entry 1: A key must be', { ...b, key: 7 }],
          [
            'Entry 1: A key must be a string without unpaired surrogates; received "\\udc00".',
            { ...b, key: '\udc00' },
          ],
          ['Entry 1: The value is no text', { ...b, value: '{}' }],
          ['Entry 1: The value was written by a later', { ...b, value: '7:[1]' }],
          ['Entry 1: The field "expires" must be', { ...b, expires: '5' }],
        ] as [string, Record<string, unknown>][]
      ).map(([sentence, wrong]): [number, string, unknown] => [
        400,
        sentence,
        { mode: 'merge', part: sealed({ after: null, entries: [a, wrong], next: null }) },
      ]),
    ]
    for (const [status, sentence, body] of cases) {
      const reply = await send(body)
      expect([reply.status, Object.keys(reply.body)], sentence).toEqual([status, ['error']])
      expect(reply.body.error).toContain(sentence)
    }
    const elsewhere = await call('POST', `/admin/restore?storage=${other}`, {
      mode: 'merge',
      part: second,
      restore: id,
    })
    expect([elsewhere.status, elsewhere.body.error]).toEqual([
      409,
      `This restore was begun with the storage "${storage}".`,
    ])
    expect(await backup(storage)).toEqual(before)
    const done = await send({ mode: 'merge', part: second, restore: id })
    expect([done.status, done.body.done]).toEqual([200, true])
    const late = await send({ mode: 'merge', part: second, restore: done.body.restore })
    expect([late.status, late.body.error]).toEqual([409, 'This restore is complete.'])
  })

  test('a part of which there is more to remove is sent again, and no other in its place', async () => {
    await wipe(storage)
    for (let part = 0; part < 3; part++) {
      const old = Array.from({ length: 200 }, (_, n) => [`o${part}-${n}`, n])
      await fill('Old', storage, Object.fromEntries(old))
    }
    const [one, two] = ['a', 'b'].map((key) =>
      sealed({ after: null, entries: [numberOne(key)], next: null }),
    )
    const path = `/admin/restore?storage=${storage}`
    const first = await call('POST', path, { mode: 'replace', part: one })
    expect(first.body).toMatchObject({ set: 1, removed: 500, again: true, done: false })
    const { restore: id } = first.body
    const other = await call('POST', path, { mode: 'replace', part: two, restore: id })
    expect([other.status, other.body.error]).toEqual([
      409,
      'This is another part than the one that is to be sent again.',
    ])
    const rest = await call('POST', path, { mode: 'replace', part: one, restore: id })
    expect(rest.body).toMatchObject({ set: 0, removed: 100, again: false, done: true })
    expect(await held('R', storage)).toEqual({ a: 1 })
    expect(await held('Old', storage)).toEqual({})
  })

  test('of two restores at once neither removes what is new by the other', async () => {
    for (let round = 0; round < 5; round++) {
      await wipe(storage)
      const parts = ['a', 'b'].map((name) => {
        const entries = Array.from({ length: 30 }, (_, n) => numberOne(`${name}${10 + n}`))
        return sealed({ after: null, entries, next: null })
      })
      const replies = await Promise.all(parts.map((part) => restore(storage, 'replace', [part])))
      expect(replies.flat().map(({ status }) => status)).toEqual([200, 200])
      const left = Object.keys(await held('R', storage)).map((key) => key.charAt(0))
      expect(left.length).toBeGreaterThanOrEqual(30)
    }
  })

  test(
    'of two that replace the same entries at once, all that one of them sets is there',
    async () => {
      // Workers KV has nothing to hold it with.
      if (storage === 'CloudflareKV') return
      await wipe(storage)
      const sets = ['a', 'b'].map((name) => [1, 2, 3, 4, 5].map((n) => `${name}${n}`))
      const all = Object.fromEntries(sets.flat().map((key) => [key, 1]))
      // A restore looks into every namespace there is, and takes the longer for it.
      const ways: [rounds: number, replace: (keys: readonly string[]) => Promise<Reply[]>][] = [
        [
          30,
          async (keys) => {
            const entries = Object.fromEntries(keys.map((key) => [key, encode(1)]))
            return [await call('PUT', at('R', storage), { entries })]
          },
        ],
        [
          10,
          (keys) => {
            const entries = keys.map(numberOne)
            return restore(storage, 'replace', [sealed({ after: null, entries, next: null })])
          },
        ],
      ]
      for (const [rounds, replace] of ways) {
        for (let round = 0; round < rounds; round++) {
          await put('R', storage, all)
          const replies = await Promise.all(sets.map(replace))
          expect(replies.flat().map(({ status }) => status)).toEqual([200, 200])
          const left = await held('R', storage)
          const whole = sets.filter((keys) => keys.every((key) => left[key] === 1))
          expect(whole).not.toEqual([])
        }
      }
    },
    STARTS_WITHIN,
  )

  test('what has expired since it was backed up is restored no more, and takes nothing away', async () => {
    await wipe(storage)
    await put('R', storage, { a: 'live', b: 'live' })
    const entries = [{ ...numberOne('a'), expires: 5 }, numberOne('c')]
    const part = sealed({ after: null, entries, next: null })
    expect((await restore(storage, 'merge', [part]))[0]?.body).toMatchObject({ set: 1, removed: 0 })
    expect(await held('R', storage)).toEqual({ a: 'live', b: 'live', c: 1 })
    expect((await restore(storage, 'replace', [part]))[0]?.body).toMatchObject({ removed: 2 })
    expect(await held('R', storage)).toEqual({ c: 1 })
  })

  test('what Telegram was answered is in no backup, and no restore takes it away', async () => {
    await wipe(storage)
    await put('Telegram', storage, { 'update:1': 1 })
    await put('Telegrams', storage, { k: 1 })
    const entries = (await backup(storage)).flatMap((page) => page.entries)
    expect(entries.map(({ namespace }) => namespace)).toEqual(['Telegrams'])
    await wipe(storage)
    const part = sealed({
      after: null,
      entries: [{ namespace: 'Telegram', key: 'update:1', value: encode(2) }],
      next: null,
    })
    expect((await restore(storage, 'merge', [part]))[0]?.body).toMatchObject({ set: 0 })
    expect(await held('Telegram', storage)).toEqual({ 'update:1': 1 })
    await put('Telegram', storage, {})
  })

  test('large entries come in parts that a restore takes', async () => {
    await wipe(storage)
    // As JSON, escaped and escaped again, this takes seven times its length.
    const text = '<'.repeat(1_200_000)
    await put('0', storage, { k: 'small' })
    for (const namespace of ['A', 'B']) await put(namespace, storage, { k: text })
    const parts = await backup(storage)
    const heavy = parts.filter((part) => part.entries.length > 0)
    expect(heavy.map((part) => part.entries.map(({ namespace }) => namespace))).toEqual([
      ['0'],
      ['A'],
      ['B'],
    ])
    await wipe(storage)
    const replies = await restore(storage, 'replace', parts)
    expect(replies.map(({ status }) => status)).toEqual(parts.map(() => 200))
    expect(await held('B', storage)).toEqual({ k: text })
    await wipe(storage)
  })

  test('a merge that would grow beyond what the storage takes changes nothing at all', async () => {
    const half = storage === 'DurableObject' ? 1_200_000 : 13_300_000
    const large = encode(['x'.repeat(half)])
    await put('Grow', storage, { a: [], old: 1 })
    const first = { entries: { b: large }, lists: 'append' }
    expect((await call('PATCH', at('Grow', storage), first)).status).toBe(200)
    const body = {
      entries: { a: encode([1]), b: large, c: encode(1) },
      lists: 'append',
      remove: ['old'],
    }
    const reply = await call('PATCH', at('Grow', storage), body)
    expect([reply.status, reply.body.error]).toEqual([
      413,
      'The entry "b" of "Grow" is larger than this storage takes.',
    ])
    const path = at('Grow', storage, '&as=json')
    expect((await call('GET', `${path}&key=a`)).body.entries).toEqual({ a: [] })
    expect((await call('GET', `/admin/keys/Grow?storage=${storage}`)).body.keys).toEqual([
      'a',
      'b',
      'old',
    ])
    await put('Grow', storage, {})
  })

  test('what the storage cannot hold is refused before anything of its call is changed', async () => {
    await wipe(storage)
    const long = 'k'.repeat(storage === 'DurableObject' ? 2100 : 600)
    // In text a hole takes little; in the storage it counts.
    const heavy = storage === 'DurableObject' ? '1:[[-7,3000000]]' : '1:[[-7,30000000]]'
    const a = { namespace: 'R', key: 'a', value: encode(1) }
    const wrong: [number, string, { namespace: string; key: string; value: string }][] = [
      [
        400,
        `The entry "${long.slice(0, 57)}..." of "R" has a longer key than this storage takes.`,
        { ...a, key: long },
      ],
      [
        413,
        'The entry "k" of "R" is larger than this storage takes.',
        { ...a, key: 'k', value: heavy },
      ],
    ]
    if (storage === 'CloudflareKV') {
      const namespace = 'n'.repeat(600)
      const sentence = `This storage cannot hold a namespace "${'n'.repeat(57)}...".`
      wrong.push([400, sentence, { ...a, namespace }])
    }
    for (const [status, sentence, entry] of wrong) {
      const entries = [a, entry].toSorted((x, y) => (x.namespace < y.namespace ? -1 : 1))
      const part = sealed({ after: null, entries, next: null })
      const { namespace, key, value } = entry
      const replies = [
        await call('POST', `/admin/restore?storage=${storage}`, { mode: 'replace', part }),
        await call('PUT', at(namespace, storage), { entries: { b: encode(1), [key]: value } }),
        await call('PATCH', at(namespace, storage), {
          entries: { b: encode(1), [key]: value },
          lists: 'append',
        }),
      ]
      for (const reply of replies) {
        expect([reply.status, reply.body.error]).toEqual([status, sentence])
      }
      expect((await backup(storage)).flatMap(({ entries: found }) => found)).toEqual([])
    }
  })
})

describe('a bad call gets one clear sentence, and nothing is changed', () => {
  const entries = { k: encode(1) }
  const [S, R, B] = ['/admin/storage/Bad', '/admin/restore', '/admin/backup']
  test.each<[number, string, string, string, unknown?, Record<string, string>?]>([
    [415, 'Send JSON', 'PUT', S, { entries }, { 'content-type': 'text/plain' }],
    [415, 'Send JSON', 'PATCH', S, { entries }, { 'content-type': 'text/plain' }],
    [415, 'Send JSON', 'POST', R, {}, { 'content-type': 'text/plain' }],
    [401, 'token is wrong', 'PUT', S, { entries }, { authorization: 'Bearer wrong' }],
    [401, "operator's token", 'GET', B, undefined, { authorization: '' }],
    [405, 'Only GET, PUT and PATCH are answered here.', 'DELETE', S],
    [405, 'Only POST', 'GET', R],
    [405, 'Only GET', 'POST', B, {}],
    [405, 'Only GET', 'PUT', '/admin/keys/Bad', { entries }],
    [400, 'Name a namespace', 'GET', '/admin/storage'],
    [400, 'Name a namespace', 'PUT', '/admin/storage', { entries }],
    [400, 'Name a namespace', 'GET', '/admin/keys'],
    [404, 'nothing here', 'GET', '/admin/storage/a/b'],
    [404, 'nothing here', 'GET', '/admin'],
    [413, 'at most 16777216 bytes', 'PUT', S, { entries: { k: 'x'.repeat(16_777_216) } }],
    [
      413,
      '201 entries',
      'PUT',
      S,
      { entries: Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`k${n}`, '1:[1]'])) },
    ],
    [
      413,
      '201 entries',
      'PATCH',
      S,
      { lists: 'append', remove: Array.from({ length: 201 }, (_, n) => `k${n}`) },
    ],
    [400, 'not JSON', 'PUT', S, '{"entries":'],
    [400, 'must be a JSON object', 'PUT', S, '[1]'],
    [400, '"entries" is missing', 'PUT', S, {}],
    [400, '"entries" must be an object', 'PUT', S, { entries: [] }],
    [400, 'no field "lists"', 'PUT', S, { entries, lists: 'append' }],
    [400, '"lists" must be one of: append, replace', 'PATCH', S, { entries }],
    [400, '"lists" must be one of: append, replace', 'PATCH', S, { entries, lists: 'both' }],
    [400, '"remove" must be a list', 'PATCH', S, { entries, lists: 'append', remove: 'k' }],
    [400, 'is to be merged and removed', 'PATCH', S, { entries, lists: 'append', remove: ['k'] }],
    [400, 'A key must be', 'PATCH', S, { lists: 'append', remove: [7] }],
    [400, 'The entry "k": The value is no text', 'PUT', S, { entries: { k: '{}' } }],
    [
      400,
      'The entry "k": The value must be text of botshelf/codec; plain JSON is sent with "as=json".',
      'PUT',
      S,
      { entries: { k: 1 } },
    ],
    [
      413,
      'is larger than this storage takes',
      'PUT',
      S,
      { entries: { k: `1:[[${'1,'.repeat(100)}1],${JSON.stringify('x'.repeat(1_000_000))}]` } },
    ],
    [400, 'written by a later', 'PUT', S, { entries: { k: '9:[1]' } }],
    [400, '__proto__', 'PUT', `${S}?as=json`, '{"entries":{"k":{"__proto__":1}}}'],
    [400, 'without unpaired surrogates', 'PUT', S, '{"entries":{"\\ud800":"1:[1]"}}'],
    [400, 'belongs to no entry', 'PUT', S, { entries, expires: { other: 1 } }],
    [400, '"expires" must be a time', 'PUT', S, { entries, expires: { k: 'soon' } }],
    [400, '"as" must be one of: text, json', 'GET', `${S}?as=xml`],
    [400, 'no parameter "asjson"', 'GET', `${S}?asjson=1`],
    [400, 'stands there twice', 'GET', `${S}?key=a&key=b`],
    [400, 'no parameter "namespace"', 'GET', `${S}?namespace=x`],
    [400, 'The cursor is none', 'GET', `${S}?cursor=x`],
    [400, 'The cursor is none', 'GET', `${B}?cursor=*`],
    [400, 'The cursor is none', 'GET', `${B}?cursor=WzEsMl0`],
    [400, '$ is Infinity', 'PUT', `${S}?as=json`, '{"entries":{"k":1e400}}'],
    [400, 'unpaired surrogate', 'PUT', `${S}?as=json`, '{"entries":{"k":"\\ud800"}}'],
    [400, 'without "prefix" and "cursor"', 'GET', `${S}?key=k&prefix=x`],
    [
      415,
      'in UTF-8',
      'PUT',
      S,
      { entries },
      { 'content-type': 'application/json; charset=utf-16' },
    ],
    [400, 'The cursor is none', 'GET', `${S}?cursor=${cursor('Bad', 'k')}%3D`],
    [400, '"expires" must be a time', 'PUT', S, { entries, expires: { k: 1e300 } }],
    [400, 'another namespace', 'GET', `${S}?cursor=${cursor('Other', 'k')}`],
    [400, 'another namespace', 'GET', `/admin/keys/Bad?cursor=${cursor('Other', 'k')}`],
    [400, 'must be one of: DurableObject, CloudflareKV', 'PUT', `${S}?storage=Redis`, { entries }],
    [400, 'A namespace must be', 'GET', '/admin/storage?namespace='],
    [400, 'no namespace of this name', 'GET', '/admin/storage/%E0%A4%A'],
  ])('%i: %s (%s %s)', async (status, sentence, method, path, body, headers) => {
    const reply = await call(method, path, body, headers)
    expect([reply.status, Object.keys(reply.body)]).toEqual([status, ['error']])
    expect(reply.body.error).toContain(sentence)
    expect(await held('Bad', 'DurableObject')).toEqual({})
  })

  test('a wrong method is told the right ones', async () => {
    const reply = await call('DELETE', S)
    expect(reply.headers.get('allow')).toBe('GET, PUT, PATCH')
  })
})

describe('nobody but the operator', () => {
  const calls: [string, string, unknown?][] = [
    ['GET', '/admin/namespaces'],
    ['GET', '/admin/keys/x'],
    ['GET', '/admin/storage?namespace=x'],
    ['GET', '/admin/storage/x'],
    ['PUT', '/admin/storage/x', { entries: {} }],
    ['PATCH', '/admin/storage/x', { entries: {}, lists: 'append' }],
    ['GET', '/admin/backup'],
    ['POST', '/admin/restore', {}],
  ]
  test.each(calls)(
    'may %s %s, and without a token there is nothing',
    async (method, path, body) => {
      const [none, wrong] = [{ authorization: '' }, { authorization: 'Bearer x' }]
      expect((await call(method, path, body, none)).status).toBe(401)
      expect((await call(method, path, body, wrong)).status).toBe(401)
      expect((await call(method, path, body, {}, open)).status).toBe(404)
    },
  )
  test('may read it in a page of elsewhere', async () => {
    const headers = { origin: 'https://evil.example' }
    const reply = await call('GET', '/admin/namespaces', undefined, headers)
    expect([...reply.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual(
      [],
    )
    expect((await call('OPTIONS', '/admin/restore', undefined, headers)).status).toBe(405)
  })
})

/** The lines about changes that hold these words. */
async function logged(words: string): Promise<Record<string, unknown>[]> {
  const found = (): Record<string, unknown>[] =>
    log
      .filter((line) => line.startsWith('{"audit"') && line.includes(words))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  await vi.waitFor(() => expect(found()).not.toEqual([]), 10_000)
  return found()
}

describe('each change is logged, without any value', () => {
  const secret = 'nobody-may-read-this'
  const told = { at: expect.any(String) as unknown, client: expect.any(String) as unknown }

  test('with whose, what and where', async () => {
    const entries = { a: encode(secret) }
    const storage = 'CloudflareKV'
    await call('PUT', at('AuditSet', storage), { entries: { old: encode(secret) } })
    await call('PUT', at('AuditMerge', storage), { entries: { b: encode(1) } })
    await call('PATCH', at('AuditMerge', storage), { entries, lists: 'append', remove: ['b'] })
    const entry = { namespace: 'AuditRestore', key: 'a', value: encode(secret) }
    const part = sealed({ after: null, entries: [entry], next: null })
    await call('POST', `/admin/restore?storage=${storage}`, { mode: 'merge', part })
    const done = { ...told, storage, outcome: 'done' }
    expect(await logged('AuditSet')).toEqual([
      { ...done, audit: 'set', namespaces: { AuditSet: { set: ['old'], removed: [] } } },
    ])
    expect((await logged('AuditMerge')).at(-1)).toEqual({
      ...done,
      audit: 'merge',
      namespaces: { AuditMerge: { set: ['a'], removed: ['b'] } },
    })
    expect(await logged('AuditRestore')).toEqual([
      { ...done, audit: 'restore', namespaces: { AuditRestore: { set: ['a'], removed: [] } } },
    ])
  })

  test('where it failed as well, since some of it may be made', async () => {
    // Workers KV bounds the text, in which this character takes six.
    const path = at('AuditFailed', 'CloudflareKV', '&as=json')
    const send = (first: string): Promise<Reply> =>
      call('PATCH', path, {
        entries: { list: [first + '<'.repeat(2_300_000)] },
        lists: 'append',
      })
    expect((await send('a')).status).toBe(200)
    const reply = await send('b')
    expect([reply.status, reply.body.error]).toEqual([
      413,
      'The entry "list" of "AuditFailed" is larger than this storage takes.',
    ])
    await logged('AuditFailed')
    await logged('"failed"')
    const failed = log.filter((line) => line.includes('"failed"'))
    expect(failed.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        ...told,
        audit: 'merge',
        storage: 'CloudflareKV',
        namespaces: { AuditFailed: { set: ['list'], removed: [] } },
        outcome: 'failed',
        code: 'TOO_LARGE',
      },
    ])
    expect(log.join('\n')).not.toContain(secret)
    expect(log.join('\n')).not.toContain(TOKEN)
  })
})
