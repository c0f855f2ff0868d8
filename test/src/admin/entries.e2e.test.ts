import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { encode } from '../../../src/codec.ts'
import { VERSION } from '../../../src/version.ts'
import { cli } from '../../cli/support/run-cli.ts'
import { STARTS_WITHIN, STORAGES, TestServers, TOKEN } from '../../worker/support/test-servers.ts'
import { AdminApi, at, sealed } from './support/admin-api.ts'

const servers = new TestServers()
let server: DevServer

beforeAll(async () => {
  server = await servers.start(await servers.folder(), TOKEN)
}, STARTS_WITHIN)

afterAll(() => servers.stop(), 20_000)

const { backup, call, fill, held, put, restore, wipe } = new AdminApi(() => server)

describe.each(STORAGES)('on %s', (storage) => {
  test('GET /status returns the version and the storage', async () => {
    const { status, body } = await call('GET', `/admin/status?storage=${storage}`)
    expect([status, body]).toEqual([200, { version: VERSION, storage, now: expect.any(Number) }])
  })

  test('botshelf doctor finds no problem in the running Worker', async () => {
    const { exitCode, stdout } = await cli(['doctor', '--url', server.url, '--storage', storage], {
      env: { BOTSHELF_TOKEN: TOKEN },
    })
    expect(exitCode, stdout).toBe(0)
    expect(stdout).toContain('The storage can be read')
  })

  test('PUT sets the entries of a namespace and removes all others', async () => {
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

  test('PATCH merges objects, appends or replaces lists, and stores the result', async () => {
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

  test('concurrent merges of one key lose nothing on an atomic storage', async () => {
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

  test('as=json returns plain JSON, and 409 for a value that JSON cannot hold', async () => {
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
    'pages contain each key and each entry once, and namespaces are listed with their sizes',
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
      // The first part of a backup has its most entries.
      const part = (await call('GET', `/admin/backup?storage=${storage}`)).body
      expect(part.entries).toHaveLength(200)
      // A PUT removes at most 500 others.
      const refused = await call('PUT', at('Many', storage), { entries: {} })
      expect([refused.status, refused.body.error]).toEqual([
        413,
        'The namespace has 1100 entries that the request does not name, and one call removes at most 500 of them. Remove at least 600 first, with PATCH and "remove", 200 keys a call.',
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

  test('a merge whose result is too large for the storage changes nothing', async () => {
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
      'The entry "b" of "Grow" is too large for this storage.',
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

  test('entries that the storage cannot hold are refused before anything is changed', async () => {
    await wipe(storage)
    const long = 'k'.repeat(storage === 'DurableObject' ? 2100 : 600)
    // A hole is short in text and counts as a value in the storage.
    const heavy = storage === 'DurableObject' ? '1:[[-7,3000000]]' : '1:[[-7,30000000]]'
    const a = { namespace: 'R', key: 'a', value: encode(1) }
    const wrong: [number, string, { namespace: string; key: string; value: string }][] = [
      [
        400,
        `The entry "${long.slice(0, 57)}..." of "R" has a key that is too long for this storage.`,
        { ...a, key: long },
      ],
      [
        413,
        'The entry "k" of "R" is too large for this storage.',
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
