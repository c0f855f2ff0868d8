import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { decode, encode } from '../../../src/codec.ts'
import { assertEqual } from '../../../src/conformance/assertions.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'
import { STARTS_WITHIN, STORAGES, TestServers, TOKEN } from '../../worker/support/test-servers.ts'
import { AdminApi, at, numberOne, type Reply, sealed } from './support/admin-api.ts'

const servers = new TestServers()
let server: DevServer

beforeAll(async () => {
  server = await servers.start(await servers.folder(), TOKEN)
}, STARTS_WITHIN)

afterAll(() => servers.stop(), 20_000)

const { backup, call, fill, held, put, restore, wipe } = new AdminApi(() => server)

describe.each(STORAGES)('on %s', (storage) => {
  test(
    'restoring a backup after all entries were removed brings back each entry unchanged',
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
      // A part may be sent twice.
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
  test('a part with more than 500 entries to remove must be sent again before another one', async () => {
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
      'The last part is not finished (its response had "again": true): send the same part; this is another one.',
    ])
    const rest = await call('POST', path, { mode: 'replace', part: one, restore: id })
    expect(rest.body).toMatchObject({ set: 0, removed: 100, again: false, done: true })
    expect(await held('R', storage)).toEqual({ a: 1 })
    expect(await held('Old', storage)).toEqual({})
  })

  test('of two concurrent restores, neither removes what the other one adds', async () => {
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
    'after two concurrent calls that replace the same entries, all entries of one of them are stored',
    async () => {
      // Workers KV is eventually consistent, so it cannot promise this.
      if (storage === 'CloudflareKV') return
      await wipe(storage)
      const sets = ['a', 'b'].map((name) => [1, 2, 3, 4, 5].map((n) => `${name}${n}`))
      const all = Object.fromEntries(sets.flat().map((key) => [key, 1]))
      // Fewer rounds of restores, because each lists every namespace.
      const calls: [rounds: number, replace: (keys: readonly string[]) => Promise<Reply[]>][] = [
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
      for (const [rounds, replace] of calls) {
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

  test('an entry that has expired since the backup is not restored', async () => {
    await wipe(storage)
    await put('R', storage, { a: 'live', b: 'live' })
    const entries = [{ ...numberOne('a'), expires: 5 }, numberOne('c')]
    const part = sealed({ after: null, entries, next: null })
    expect((await restore(storage, 'merge', [part]))[0]?.body).toMatchObject({ set: 1, removed: 0 })
    expect(await held('R', storage)).toEqual({ a: 'live', b: 'live', c: 1 })
    expect((await restore(storage, 'replace', [part]))[0]?.body).toMatchObject({ removed: 2 })
    expect(await held('R', storage)).toEqual({ c: 1 })
  })

  test('an excluded namespace is omitted from a backup and ignored by a restore', async () => {
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

  test('a backup of large entries has parts that a restore accepts', async () => {
    await wipe(storage)
    // Escaped twice as JSON, the text has seven times its length.
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
})
