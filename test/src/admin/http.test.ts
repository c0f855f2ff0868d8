import { describe, expect, test, vi } from 'vitest'
import { StoreError } from '../../../src/index.ts'
import { readJsonObject } from '../../../src/admin/body.ts'
import { errorResponse } from '../../../src/admin/failure.ts'
import { HttpError } from '../../../src/admin/reply.ts'

async function reply(
  error: unknown,
  written?: string,
  operator?: boolean,
): Promise<[number, string | null, unknown]> {
  const silent = vi.spyOn(console, 'error').mockImplementation(() => {})
  const response = errorResponse(error, written, operator)
  silent.mockRestore()
  const body: unknown = await response.json()
  expect(JSON.stringify(body)).not.toMatch(/secret|\.ts|\bat /)
  return [response.status, response.headers.get('retry-after'), body]
}

function request(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Request {
  return new Request('http://x', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    duplex: 'half',
  } as RequestInit)
}

test('what is wrong with the configuration is logged, since nobody reads the answer', () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
  errorResponse(new HttpError(500, 'The token is none.'))
  errorResponse(new HttpError(404, 'There is nothing here.'))
  expect(logged).toHaveBeenCalledTimes(1)
  logged.mockRestore()
})

describe('a failure of the storage', () => {
  const secret = new Error('secret at store.ts:1')

  test('is 503 with a time to wait, if trying again may help', async () => {
    const error = new StoreError('RATE_LIMITED', 'secret', { cause: secret })
    expect(await reply(error, 'what was said')).toEqual([
      503,
      '1',
      { error: 'The storage is busy; what was said may be stored in part.', code: 'RATE_LIMITED' },
    ])
  })
  test('is 503 as well, if it is unknown what is stored', async () => {
    const error = new StoreError('BACKEND_ERROR', 'secret', { outcome: 'unknown' })
    expect(await reply(error, 'what was said')).toEqual([
      503,
      '1',
      {
        error: 'The storage failed; what was said may be stored or not.',
        code: 'BACKEND_ERROR',
      },
    ])
  })
  test('of a reading leaves nothing open', async () => {
    expect(await reply(new StoreError('RATE_LIMITED', 'secret'))).toMatchObject([
      503,
      '1',
      { error: 'The storage is busy; try again.' },
    ])
  })
  test('is 500 otherwise, with its code', async () => {
    expect(await reply(new StoreError('CORRUPT', 'secret'))).toMatchObject([
      500,
      null,
      { code: 'CORRUPT' },
    ])
  })
  test('tells the operator where, and nobody else', async () => {
    const error = new StoreError('CORRUPT', 'secret', { namespace: 'Karma', key: 'ann' })
    expect((await reply(error, undefined, true))[2]).toMatchObject({
      namespace: 'Karma',
      key: 'ann',
    })
    expect(Object.keys((await reply(error))[2] as object)).toEqual(['error', 'code'])
  })
  test('that is no failure of the storage is 500 and says nothing', async () => {
    expect(await reply(secret)).toEqual([500, null, { error: 'The bot made a mistake.' }])
  })
})

describe('a body', () => {
  test('is read up to the limit and no further, whatever its length is said to be', async () => {
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(1024))
      },
    })
    const read = readJsonObject(request(endless, { 'content-length': '10' }), 4096)
    await expect(read).rejects.toMatchObject({ status: 413 })
    expect(pulled).toBeLessThan(10)
  })
  test('that says it is too long is not read', async () => {
    const read = readJsonObject(request('{}', { 'content-length': '5000' }), 4096)
    await expect(read).rejects.toMatchObject({ status: 413 })
  })
  test('of exactly the limit is read, characters across chunks too', async () => {
    const bytes = new TextEncoder().encode(`{"text":"${'é'.repeat(2042)}"}`)
    const slow = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let i = 0; i < bytes.length; i += 7) controller.enqueue(bytes.slice(i, i + 7))
        controller.close()
      },
    })
    expect(await readJsonObject(request(slow), bytes.length)).toEqual({ text: 'é'.repeat(2042) })
    await expect(readJsonObject(request(bytes), bytes.length - 1)).rejects.toMatchObject({
      status: 413,
    })
  })
  test.each([
    ['', 'not JSON'],
    ['{', 'not JSON'],
    ['[]', 'a JSON object'],
    ['null', 'a JSON object'],
    ['"x"', 'a JSON object'],
    [new Uint8Array([0x22, 0xff, 0x22]), 'not UTF-8'],
    [new Uint8Array([0x22, 0xc3]), 'not UTF-8'],
  ])('%j is refused', async (body, sentence) => {
    const read = readJsonObject(request(body), 4096)
    await expect(read).rejects.toMatchObject({ status: 400 })
    await expect(read).rejects.toThrow(sentence)
  })
  test('that is not called JSON is refused', async () => {
    for (const type of ['text/plain', 'application/jsonx', '']) {
      const read = readJsonObject(request('{}', { 'content-type': type }), 4096)
      await expect(read).rejects.toMatchObject({ status: 415 })
    }
    const type = 'Application/JSON; charset=utf-8'
    expect(await readJsonObject(request('{}', { 'content-type': type }), 4096)).toEqual({})
  })
})
