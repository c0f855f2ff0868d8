import { describe, expect, test } from 'vitest'
import { readJsonObject } from '../../../src/admin/http.ts'

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

describe('readJsonObject()', () => {
  test('stops reading at the limit, also if content-length is too small', async () => {
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
  test('refuses a body whose content-length exceeds the limit', async () => {
    const read = readJsonObject(request('{}', { 'content-length': '5000' }), 4096)
    await expect(read).rejects.toMatchObject({ status: 413 })
  })
  test('reads a body of exactly the limit, with characters split across chunks', async () => {
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
  ])('refuses the body %j', async (body, sentence) => {
    const read = readJsonObject(request(body), 4096)
    await expect(read).rejects.toMatchObject({ status: 400 })
    await expect(read).rejects.toThrow(sentence)
  })
  test('refuses any content-type but JSON in UTF-8', async () => {
    for (const type of ['text/plain', 'application/jsonx', '']) {
      const read = readJsonObject(request('{}', { 'content-type': type }), 4096)
      await expect(read).rejects.toMatchObject({ status: 415 })
    }
    const type = 'Application/JSON; charset=utf-8'
    expect(await readJsonObject(request('{}', { 'content-type': type }), 4096)).toEqual({})
  })
})
