import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createStorage } from 'unstorage'
import httpDriver from 'unstorage/drivers/http'
import { createStorageServer } from 'unstorage/server'
import { createStorage as createStorage2 } from 'unstorage-2'
import { createStorageHandler } from 'unstorage-2/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { unstorageDriver } from '../../../bridges/unstorage.ts'
import { StorageRuntime } from '../../../src/index.ts'

const runtime = new StorageRuntime(new MemoryStoragePlugin())
const driver = unstorageDriver(() => runtime.open('server'))
const { handle } = createStorageServer(createStorage({ driver }))
const server: Server = createServer(handle)

beforeAll(async () => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  server.close()
})

test('the server of 1.17 serves a store to the http driver of another process', async () => {
  const { port } = server.address() as AddressInfo
  const remote = createStorage({ driver: httpDriver({ base: `http://127.0.0.1:${port}` }) })
  await remote.setItem('users:ann', { karma: 3 }, { ttl: 60 })
  expect(await remote.getItem('users:ann')).toEqual({ karma: 3 })
  expect(await remote.hasItem('users:ben')).toBe(false)
  expect((await remote.getMeta('users:ann')).ttl).toBe(60)
  expect(await remote.getKeys('users')).toEqual(['users:ann'])
})

test('the server of 1.17 stores the Buffer of a request as bytes', async () => {
  const { port } = server.address() as AddressInfo
  const remote = createStorage({ driver: httpDriver({ base: `http://127.0.0.1:${port}` }) })
  await remote.setItemRaw('file', new Uint8Array([0, 200, 255]))
  const store = await driver.getInstance()
  expect(await store.get('file')).toEqual(new Uint8Array([0, 200, 255]))
  const body = await remote.getItemRaw<ArrayBuffer>('file')
  expect(new Uint8Array(body!)).toEqual(new Uint8Array([0, 200, 255]))
})

test('the handler of 2 serves a store', async () => {
  const handler = createStorageHandler(createStorage2({ driver }))
  const url = 'http://localhost/users/ben'
  await handler(
    new Request(url, { method: 'PUT', body: '{"karma":1}', headers: { 'x-ttl': '60' } }),
  )
  const response = await handler(new Request(url))
  expect(await response.json()).toEqual({ karma: 1 })
  expect(response.headers.get('x-ttl')).toBe('60')
})
