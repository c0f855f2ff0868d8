import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { decode, encode } from '../../../src/codec.ts'
import { assertEqual } from '../../../src/conformance/assertions.ts'
import { StorageRuntime } from '../../../src/index.ts'

/** Sends a value to an object and back. */
async function echo(value: unknown): Promise<unknown> {
  const host = env.HOST.getByName('echo') as unknown as { echo(value: unknown): Promise<unknown> }
  return host.echo(value)
}

test.each<[string, () => unknown]>([
  ['object', () => ({ a: 1, list: [{ b: 2 }] })],
  ['array', () => [1, { a: 1 }]],
  ['empty array', () => []],
  ['array with holes', () => Object.assign([], { length: 3, 1: 'x' })],
  ['map', () => new Map([['a', { b: 1 }]])],
  ['set', () => new Set([[1]])],
  ['date', () => new Date(5)],
  ['regular expression', () => /a/g],
  ['typed array', () => new Uint8Array([1, 2])],
  ['buffer', () => new Uint8Array([1, 2]).buffer],
  ['error', () => new TypeError('t')],
])('the result of an RPC (%s) can be stored, also within another value', async (_, make) => {
  const result = await echo(make())
  // Otherwise workerd has changed, and the rest shows nothing.
  expect(Object.getOwnPropertyDescriptor(result, Symbol.dispose)).toMatchObject({
    enumerable: false,
    value: expect.any(Function),
  })
  const store = await new StorageRuntime(new MemoryStoragePlugin()).open('n')
  await store.set('k', result)
  assertEqual(await store.get('k'), make())
  expect(Reflect.ownKeys((await store.get('k')) as object)).not.toContain(Symbol.dispose)
  await store.update('nested', () => ({ list: [result], map: new Map([['r', result]]) }))
  assertEqual(await store.get('nested'), { list: [make()], map: new Map([['r', make()]]) })
  assertEqual(decode(encode(result)), make())
})

test('an RPC result that contains a function is still rejected, with the path of the function', async () => {
  const result = await echo({ a: { run: () => 1 } })
  const store = await new StorageRuntime(new MemoryStoragePlugin()).open('n')
  await expect(store.set('k', result)).rejects.toMatchObject({
    code: 'INVALID_VALUE',
    message: expect.stringContaining('$.a.run is '),
  })
})

test('the caller of an RPC who adds a symbol key to the result gets INVALID_VALUE', async () => {
  const store = await new StorageRuntime(new MemoryStoragePlugin()).open('n')
  for (const value of [{}, []]) {
    const result = Object.assign((await echo(value)) as object, { [Symbol('own')]: 1 })
    await expect(store.set('k', [result])).rejects.toMatchObject({
      code: 'INVALID_VALUE',
      message: expect.stringContaining('$[0] has a '),
    })
  }
})
