import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { isStoreError, StoreError } from '../../src/index.ts'

const host = env.HOST.getByName('errors') as unknown as {
  echo(value: unknown): Promise<unknown>
  fail(error: Error): Promise<never>
}

test('a StoreError keeps its fields through toJSON(), an RPC and StoreError.from()', async () => {
  const error = new StoreError('CONFLICT', 'Lost every race.', {
    namespace: 'Karma',
    key: 'ann',
    outcome: 'unknown',
    retryable: false,
    cause: new TypeError('inner'),
  })
  const { error: data } = (await host.echo({ error: error.toJSON() })) as { error: unknown }
  expect(isStoreError(data)).toBe(false)
  for (const received of [
    StoreError.from(data),
    // The result of an RPC itself has one more property.
    StoreError.from(await host.echo(error.toJSON())),
  ]) {
    expect(isStoreError(received)).toBe(true)
    expect(received.message).toBe('Lost every race. (in "Karma", key "ann")')
    expect(received.toJSON()).toEqual(error.toJSON())
  }
})

test('a StoreError that an RPC throws loses its methods', async () => {
  const thrown: unknown = await host
    .fail(new StoreError('CONFLICT', 'Lost every race.'))
    .catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(Error)
  expect(isStoreError(thrown)).toBe(false)
  const received = StoreError.from(thrown)
  expect(isStoreError(received)).toBe(true)
  expect(received.code).toMatch(/^(?:CONFLICT|BACKEND_ERROR)$/)
  expect(received.message).toContain('Lost every race.')
})
