import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { encode } from '../../../src/codec.ts'
import { STARTS_WITHIN, STORAGES, TestServers, TOKEN } from '../../worker/support/test-servers.ts'
import { AdminApi, cursor, numberOne, type Reply, sealed } from './support/admin-api.ts'

const servers = new TestServers()
let main: DevServer
let open: DevServer

beforeAll(async () => {
  const [mainState, openState] = await Promise.all([servers.folder(), servers.folder()])
  ;[main, open] = await Promise.all([servers.start(mainState, TOKEN), servers.start(openState)])
}, STARTS_WITHIN)

afterAll(() => servers.stop(), 20_000)

const { backup, call, held, wipe } = new AdminApi(() => main)
const withoutToken = new AdminApi(() => open)

describe('an invalid call is refused with one error message and changes nothing', () => {
  const entries = { k: encode(1) }
  const [S, R, B] = ['/admin/storage/Bad', '/admin/restore', '/admin/backup']
  test.each<[number, string, string, string, unknown?, Record<string, string>?]>([
    [415, 'Send JSON', 'PUT', S, { entries }, { 'content-type': 'text/plain' }],
    [415, 'Send JSON', 'PATCH', S, { entries }, { 'content-type': 'text/plain' }],
    [415, 'Send JSON', 'POST', R, {}, { 'content-type': 'text/plain' }],
    [401, 'not the admin token', 'PUT', S, { entries }, { authorization: 'Bearer wrong' }],
    [401, 'Send the header "authorization: Bearer', 'GET', B, undefined, { authorization: '' }],
    [405, 'This path takes only GET, PUT, PATCH; received DELETE.', 'DELETE', S],
    [405, 'takes only POST', 'GET', R],
    [405, 'takes only GET', 'POST', B, {}],
    [405, 'takes only GET', 'PUT', '/admin/keys/Bad', { entries }],
    [400, 'Name a namespace', 'GET', '/admin/storage'],
    [400, 'Name a namespace', 'PUT', '/admin/storage', { entries }],
    [400, 'Name a namespace', 'GET', '/admin/keys'],
    [404, 'Not found.', 'GET', '/admin/storage/a/b'],
    [404, 'Not found.', 'GET', '/admin'],
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
    [400, 'Unknown field "lists"', 'PUT', S, { entries, lists: 'append' }],
    [400, '"lists" must be one of: append, replace', 'PATCH', S, { entries }],
    [400, '"lists" must be one of: append, replace', 'PATCH', S, { entries, lists: 'both' }],
    [400, '"remove" must be a list', 'PATCH', S, { entries, lists: 'append', remove: 'k' }],
    [
      400,
      'is in both "entries" and "remove"',
      'PATCH',
      S,
      { entries, lists: 'append', remove: ['k'] },
    ],
    [400, 'A key must be', 'PATCH', S, { lists: 'append', remove: [7] }],
    [
      400,
      'The entry "k": The value is not encoded by botshelf/codec',
      'PUT',
      S,
      { entries: { k: '{}' } },
    ],
    [
      400,
      'The entry "k": The value must be a string that botshelf/codec encoded; to send plain JSON, add "as=json" to the URL.',
      'PUT',
      S,
      { entries: { k: 1 } },
    ],
    [
      413,
      'is too large for this storage',
      'PUT',
      S,
      { entries: { k: `1:[[${'1,'.repeat(100)}1],${JSON.stringify('x'.repeat(1_000_000))}]` } },
    ],
    [400, 'written by a later', 'PUT', S, { entries: { k: '9:[1]' } }],
    [400, '__proto__', 'PUT', `${S}?as=json`, '{"entries":{"k":{"__proto__":1}}}'],
    [
      400,
      'A key must be a string without unpaired surrogates',
      'PUT',
      S,
      '{"entries":{"\\ud800":"1:[1]"}}',
    ],
    [400, 'which is not in "entries"', 'PUT', S, { entries, expires: { other: 1 } }],
    [400, '"expires" must be a time', 'PUT', S, { entries, expires: { k: 'soon' } }],
    [400, '"as" must be one of: text, json', 'GET', `${S}?as=xml`],
    [400, 'Unknown parameter "asjson"', 'GET', `${S}?asjson=1`],
    [400, 'is given twice', 'GET', `${S}?key=a&key=b`],
    [400, 'Unknown parameter "namespace"', 'GET', `${S}?namespace=x`],
    [400, 'The cursor is invalid', 'GET', `${S}?cursor=x`],
    [400, 'The cursor is invalid', 'GET', `${B}?cursor=*`],
    [400, 'The cursor is invalid', 'GET', `${B}?cursor=WzEsMl0`],
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
    [400, 'The cursor is invalid', 'GET', `${S}?cursor=${cursor('Bad', 'k')}%3D`],
    [400, '"expires" must be a time', 'PUT', S, { entries, expires: { k: 1e300 } }],
    [400, 'another namespace', 'GET', `${S}?cursor=${cursor('Other', 'k')}`],
    [400, 'another namespace', 'GET', `/admin/keys/Bad?cursor=${cursor('Other', 'k')}`],
    [400, 'must be one of: DurableObject, CloudflareKV', 'PUT', `${S}?storage=Redis`, { entries }],
    [400, 'A namespace must be', 'GET', '/admin/storage?namespace='],
    [400, 'is not percent-encoded UTF-8', 'GET', '/admin/storage/%E0%A4%A'],
  ])('%i: %s (%s %s)', async (status, sentence, method, path, body, headers) => {
    const reply = await call(method, path, body, headers)
    expect([reply.status, Object.keys(reply.body)]).toEqual([status, ['error']])
    expect(reply.body.error).toContain(sentence)
    expect(await held('Bad', 'DurableObject')).toEqual({})
  })

  test('405 lists the allowed methods', async () => {
    const reply = await call('DELETE', S)
    expect(reply.headers.get('allow')).toBe('GET, PUT, PATCH')
  })
})

describe('only the admin token', () => {
  const calls: [string, string, unknown?][] = [
    ['GET', '/admin/status'],
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
    'allows %s %s; without a configured token the path does not exist',
    async (method, path, body) => {
      const [none, wrong] = [{ authorization: '' }, { authorization: 'Bearer x' }]
      expect((await call(method, path, body, none)).status).toBe(401)
      expect((await call(method, path, body, wrong)).status).toBe(401)
      expect((await withoutToken.call(method, path, body)).status).toBe(404)
    },
  )
  test('gives access to the admin API, and only from the same origin', async () => {
    const headers = { origin: 'https://evil.example' }
    const reply = await call('GET', '/admin/namespaces', undefined, headers)
    expect([...reply.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual(
      [],
    )
    expect((await call('OPTIONS', '/admin/restore', undefined, headers)).status).toBe(405)
  })
})

describe.each(STORAGES)('on %s', (storage) => {
  test('a part that is out of order, altered or invalid is refused and changes nothing', async () => {
    await wipe(storage)
    const [a, b] = [numberOne('a'), numberOne('b')]
    const first = sealed({ after: null, entries: [a], next: cursor('R', 'a') })
    const second = sealed({ after: first.next, entries: [b], next: null })
    const send = (body: unknown): Promise<Reply> =>
      call('POST', `/admin/restore?storage=${storage}`, body)
    const started = await send({ mode: 'merge', part: first })
    const id = started.body.restore ?? ''
    const before = await backup(storage)
    const other = storage === 'DurableObject' ? 'CloudflareKV' : 'DurableObject'
    const cases: [number, string, unknown][] = [
      [409, 'a restore starts with the first part', { mode: 'merge', part: second }],
      [
        409,
        'the next part must start after the key "a" of the namespace "R"',
        { mode: 'merge', part: first, restore: id },
      ],
      [
        409,
        'has the mode "merge"; received "replace"',
        { mode: 'replace', part: second, restore: id },
      ],
      [400, 'restore token is invalid', { mode: 'merge', part: second, restore: `${id}A` }],
      [
        400,
        'restore token is invalid',
        { mode: 'merge', part: second, restore: id.replace('.', '..') },
      ],
      [400, 'restore token is invalid', { mode: 'merge', part: second, restore: '' }],
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
        'The cursor is invalid',
        { mode: 'merge', part: sealed({ after: null, entries: [a], next: 'x' }) },
      ],
      [400, 'later version', { mode: 'merge', part: { ...second, format: 2 } }],
      [400, '"format" of the part must be 1', { mode: 'merge', part: { ...second, format: '1' } }],
      [400, 'Unknown field "more"', { mode: 'merge', part: { ...second, more: 1 } }],
      [400, 'must be a list', { mode: 'merge', part: { ...second, entries: {} } }],
      [400, 'must be an object', { mode: 'merge', part: [second] }],
      [400, 'must be an object', { mode: 'merge' }],
      [400, 'Unknown field "changes"', { mode: 'merge', part: second, changes: [] }],
      [
        413,
        'There are 201 entries',
        { mode: 'merge', part: { ...first, entries: Array(201).fill(a) } },
      ],
      ...(
        [
          ['Entry 1: The entry must be an object.', null],
          ['Entry 1: The field "value" is missing.', { namespace: 'R', key: 'k' }],
          ['Entry 1: Unknown field "ttl"', { ...b, ttl: 1 }],
          ['Entry 1: Unknown field "value"', { ...b, remove: true }],
          ['Entry 1: The field "remove" must be true.', { namespace: 'R', key: 'k', remove: 1 }],
          ['Entry 1: A namespace must be', { ...b, namespace: '' }],
          ['Entry 1: A key must be', { ...b, key: 7 }],
          [
            'Entry 1: A key must be a string without unpaired surrogates; received "\\udc00"',
            { ...b, key: '\udc00' },
          ],
          ['Entry 1: The value is not encoded', { ...b, value: '{}' }],
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
      `This restore has the storage "${storage}"; received "${other}". Omit "restore" to start a new restore.`,
    ])
    expect(await backup(storage)).toEqual(before)
    const done = await send({ mode: 'merge', part: second, restore: id })
    expect([done.status, done.body.done]).toEqual([200, true])
    const late = await send({ mode: 'merge', part: second, restore: done.body.restore })
    expect([late.status, late.body.error]).toEqual([
      409,
      'This restore is complete. Omit "restore" to start a new one.',
    ])
  })
})
