import { MessageChannel } from 'node:worker_threads'
import { describe, expect, test, vi } from 'vitest'
import { isStoreError, StoreError } from '../../src/index.ts'

const cause = new RangeError('out of disk')

/** An error in which no field has its default. */
function createError(): StoreError {
  return new StoreError('QUOTA_EXCEEDED', 'The disk is full.', {
    namespace: 'Karma',
    key: 'ann',
    outcome: 'unknown',
    retryable: true,
    cause,
  })
}

/** Sends a value to the other end of a channel, as to a worker. */
async function post(value: unknown): Promise<unknown> {
  const { port1, port2 } = new MessageChannel()
  const received = new Promise((resolve) => port2.once('message', resolve))
  port1.postMessage(value)
  const message = await received
  port1.close()
  return message
}

test.each<[string, (data: unknown) => unknown]>([
  ['structuredClone', (data) => structuredClone(data)],
  ['JSON', (data) => JSON.parse(JSON.stringify(data))],
  ['postMessage', post],
])('a StoreError keeps its fields through toJSON(), %s and StoreError.from()', async (_, send) => {
  const error = createError()
  const data = await send(error.toJSON())
  expect(isStoreError(data)).toBe(false)
  const received = StoreError.from(data)
  expect(isStoreError(received)).toBe(true)
  expect(received).toBeInstanceOf(StoreError)
  expect(received.message).toBe('The disk is full. (in "Karma", key "ann")')
  expect(received).toMatchObject({
    name: 'StoreError',
    code: 'QUOTA_EXCEEDED',
    namespace: 'Karma',
    key: 'ann',
    outcome: 'unknown',
    retryable: true,
    cause: { name: 'RangeError', message: 'out of disk' },
  })
  // A second hop changes nothing.
  expect(StoreError.from(await send(received.toJSON())).toJSON()).toEqual(error.toJSON())
})

test('an error without details keeps the defaults of its code', () => {
  const error = new StoreError('TIMEOUT', 'No answer.')
  const received = StoreError.from(JSON.parse(JSON.stringify(error)))
  expect(received.toJSON()).toEqual(error.toJSON())
  expect(received).toMatchObject({ outcome: 'unknown', retryable: true, namespace: undefined })
  expect('cause' in received).toBe(false)
})

test('JSON.stringify() of an object with a StoreError has all fields', () => {
  const text = JSON.stringify({ ok: false, error: createError() })
  const { error } = JSON.parse(text) as { error: unknown }
  expect(StoreError.from(error).toJSON()).toMatchObject({ code: 'QUOTA_EXCEEDED', key: 'ann' })
})

describe('StoreError.from()', () => {
  test('returns a StoreError unchanged', () => {
    const error = createError()
    expect(StoreError.from(error)).toBe(error)
  })

  test('returns the error of another copy of the module unchanged', async () => {
    vi.resetModules()
    const copy = await import('../../src/errors.ts')
    const error = new copy.StoreError('CONFLICT', 'Lost.', { namespace: 'n', key: 'k' })
    expect(error).not.toBeInstanceOf(StoreError)
    expect(isStoreError(error)).toBe(true)
    expect(StoreError.from(error)).toBe(error)
    const received = StoreError.from(structuredClone(error.toJSON()))
    expect(received.toJSON()).toEqual(error.toJSON())
  })

  test.each<[string, unknown]>([
    ['another error', new TypeError('boom')],
    ['an error as structured clone leaves it', structuredClone(createError())],
    ['a text', 'boom'],
    ['nothing', undefined],
    ['data without a code', { name: 'StoreError' }],
  ])('makes %s the cause of a BACKEND_ERROR', (_, thrown) => {
    const error = StoreError.from(thrown)
    expect(error).toMatchObject({ code: 'BACKEND_ERROR', outcome: 'unknown' })
    expect(error.cause).toBe(thrown)
  })
})

test('isStoreError() is false for what has lost its fields', () => {
  expect(isStoreError(structuredClone(createError()))).toBe(false)
  expect(isStoreError(Object.assign({}, createError()))).toBe(false)
  expect(isStoreError(null)).toBe(false)
})
