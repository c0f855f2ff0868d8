import { describe, expect, test } from 'vitest'
import { callKV } from '../../../adapters/cloudflare-kv/binding.ts'
import { fromObjectError } from '../../../adapters/durable-object/errors.ts'

/** The errors of the platform for any binding: text, code and whether it is retryable. */
const REFUSALS: [text: string, code: string, retryable: boolean][] = [
  ['Too many subrequests.', 'RATE_LIMITED', false],
  [
    'Too many subrequests by single Worker invocation. To configure this limit, refer to https://developers.cloudflare.com/workers/wrangler/configuration/#limits',
    'RATE_LIMITED',
    false,
  ],
  ['Too many API requests by single Worker invocation.', 'RATE_LIMITED', false],
  ['too many API requests by single worker invocation', 'RATE_LIMITED', false],
  [
    'Subrequest depth limit exceeded. This request recursed through Workers too many times.',
    'RATE_LIMITED',
    false,
  ],
  ['KV put() limit exceeded for the day.', 'RATE_LIMITED', false],
  ['Exceeded allowed rows written in Durable Objects free tier.', 'RATE_LIMITED', false],
  ['Exceeded allowed rows read in Durable Objects free tier.', 'RATE_LIMITED', false],
  ['Exceeded allowed volume of requests in Durable Objects free tier.', 'RATE_LIMITED', false],
  ["Exceeded the account's spending cap for Durable Objects", 'RATE_LIMITED', false],
  [
    'Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or connect()), setting a timeout, and generating random values are not allowed within global scope.',
    'UNAVAILABLE',
    false,
  ],
]

describe('a call that the platform refuses is not applied, on Durable Objects and on Workers KV', () => {
  test.each(REFUSALS)('%s', async (text, code, retryable) => {
    const cause = new Error(text)
    const expected = { code, retryable, outcome: 'not-applied', cause }
    const ofObject = fromObjectError(cause, 'unknown')
    expect(ofObject).toMatchObject(expected)
    const ofKV: unknown = await callKV(() => Promise.reject(cause), 'unknown').catch(
      (error: unknown) => error,
    )
    expect(ofKV).toMatchObject(expected)
    for (const { message } of [ofObject, ofKV as Error]) {
      expect(message).toMatch(/^(?:The Durable Object failed|Workers KV): .+\.$/)
      expect(message).toContain(text)
    }
  })
})

describe('a reset of an object is CONNECTION_LOST, also without the flags of the stub', () => {
  test.each([
    'Network connection lost.',
    'Cannot resolve Durable Object due to transient issue on remote node.',
    'Durable Object reset because its code was updated.',
    "The Durable Object's code has been updated, this version can no longer access storage.",
    'Connection closed: this Durable Object instance is no longer active. Reconnect or retry the request.',
    "Durable Object's isolate exceeded its memory limit and was reset.",
    'Durable Object exceeded its CPU time limit and was reset.',
    'Durable Object storage operation exceeded timeout which caused object to be reset.',
    'Internal error in Durable Object storage caused object to be reset; reference = x',
    'cannot access storage because object has moved to a different machine',
    'internal error; reference = x',
  ])('%s', (text) => {
    expect(fromObjectError(new Error(text), 'unknown')).toMatchObject({
      code: 'CONNECTION_LOST',
      outcome: 'unknown',
      retryable: true,
    })
  })
})

test.each([
  'Your account is generating too much load on Durable Objects. Please back off and try again later.',
  'Your account is doing too many concurrent storage operations. Please back off and try again later.',
])('too much load is RATE_LIMITED and may be retried: %s', (text) => {
  expect(fromObjectError(new Error(text), 'unknown')).toMatchObject({
    code: 'RATE_LIMITED',
    retryable: true,
  })
})

test('a write that ran into the daily limit of the duration may be applied', () => {
  const error = new Error('Exceeded allowed duration in Durable Objects free tier.')
  expect(fromObjectError(error, 'unknown')).toMatchObject({
    code: 'RATE_LIMITED',
    outcome: 'unknown',
    retryable: false,
  })
})

test.each([null, undefined, 'text', 7, { toString: 7 }, Object.create(null)])(
  'anything that is thrown becomes a StoreError: %o',
  (thrown) => {
    expect(fromObjectError(thrown, 'unknown')).toMatchObject({ code: 'BACKEND_ERROR' })
  },
)
