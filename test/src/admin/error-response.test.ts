import { describe, expect, test, vi } from 'vitest'
import { errorResponse, type ErrorResponseOptions } from '../../../src/admin/error-response.ts'
import { HttpError } from '../../../src/admin/http.ts'
import { StoreError } from '../../../src/index.ts'

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: Readonly<Record<string, unknown>>
}

async function answerTo(error: unknown, options: ErrorResponseOptions = {}): Promise<Answer> {
  const response = errorResponse(error, { onError: () => {}, ...options })
  const body = (await response.json()) as Answer['body']
  expect(JSON.stringify(body)).not.toMatch(/secret|\.ts|\bat /)
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body }
}

describe('an HttpError', () => {
  test('is logged only if its status is 500 or above', () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    errorResponse(new HttpError(500, 'The token is invalid.'))
    errorResponse(new HttpError(404, 'Not found.'))
    expect(logged).toHaveBeenCalledTimes(1)
    logged.mockRestore()
  })
})

describe('a StoreError', () => {
  const writtenNoun = 'the message'
  const secret = new Error('secret at store.ts:1')

  test('is 503 with retry-after if a retry may help', async () => {
    const error = new StoreError('RATE_LIMITED', 'secret', { cause: secret })
    expect(await answerTo(error, { writtenNoun })).toEqual({
      status: 503,
      retryAfter: '1',
      body: {
        error:
          'The storage failed for now; the message may be stored in part. Repeat the request later.',
        code: 'RATE_LIMITED',
      },
    })
  })
  test('is 503 with retry-after if its outcome is unknown', async () => {
    const error = new StoreError('BACKEND_ERROR', 'secret', { outcome: 'unknown' })
    expect(await answerTo(error, { writtenNoun })).toEqual({
      status: 503,
      retryAfter: '1',
      body: {
        error:
          'The storage failed; the message may or may not be stored. Check that before you repeat the request.',
        code: 'BACKEND_ERROR',
      },
    })
  })
  test('of a read says nothing about what is stored', async () => {
    expect(await answerTo(new StoreError('RATE_LIMITED', 'secret'))).toMatchObject({
      status: 503,
      retryAfter: '1',
      body: { error: 'The storage failed for now; try again later.' },
    })
  })
  test('is 500 with its code if a retry does not help', async () => {
    expect(await answerTo(new StoreError('CORRUPT', 'secret'))).toMatchObject({
      status: 500,
      retryAfter: null,
      body: { code: 'CORRUPT' },
    })
  })
  test('shows the namespace and the key only on request', async () => {
    const error = new StoreError('CORRUPT', 'secret', { namespace: 'Karma', key: 'ann' })
    expect((await answerTo(error, { showLocation: true })).body).toMatchObject({
      namespace: 'Karma',
      key: 'ann',
    })
    expect(Object.keys((await answerTo(error)).body)).toEqual(['error', 'code'])
  })
})

test('any other error is 500 and does not show its message', async () => {
  expect(await answerTo(new Error('secret at store.ts:1'))).toEqual({
    status: 500,
    retryAfter: null,
    body: { error: 'Internal error; see the log.' },
  })
})
