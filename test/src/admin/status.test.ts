import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { bearerAuth, createAdminHandler } from '../../../src/admin/index.ts'
import { StorageRuntime, StoreError } from '../../../src/index.ts'

const TOKEN = 'a token'

async function getStatus(
  path: string,
  { token = TOKEN, method = 'GET', plugin = new MemoryStoragePlugin() } = {},
): Promise<{ readonly status: number | undefined; readonly body: unknown }> {
  const admin = createAdminHandler({
    open: () => new StorageRuntime(plugin),
    authorize: bearerAuth(TOKEN),
    secret: TOKEN,
    defaultStorage: 'Memory',
    onError: () => {},
  })
  const headers = { authorization: `Bearer ${token}` }
  const response = await admin(new Request(`https://bot.example.com${path}`, { method, headers }))
  return { status: response?.status, body: await response?.json() }
}

test('GET /status returns the version in package.json, the storage and the time', async () => {
  const manifest = await readFile(new URL('../../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(manifest) as { readonly version: string }
  const before = Date.now()
  const { status, body } = await getStatus('/admin/status')
  expect([status, body]).toEqual([200, { version, storage: 'Memory', now: expect.any(Number) }])
  const { now } = body as { readonly now: number }
  expect([before <= now, now <= Date.now()]).toEqual([true, true])
  expect((await getStatus('/admin/status?storage=Other')).body).toMatchObject({ storage: 'Other' })
})

test('GET /status reads no storage', async () => {
  const plugin = new MemoryStoragePlugin()
  const open = vi.spyOn(plugin, 'open')
  const namespaces = vi.spyOn(plugin, 'namespaces')
  expect(await getStatus('/admin/status', { plugin })).toMatchObject({ status: 200 })
  expect([open.mock.calls, namespaces.mock.calls]).toEqual([[], []])
})

test('GET /status needs the token, and tells nothing without it', async () => {
  expect(await getStatus('/admin/status', { token: 'x' })).toEqual({
    status: 401,
    body: { error: 'The token is not the admin token of this bot.' },
  })
  expect(await getStatus('/admin/status', { method: 'POST' })).toMatchObject({ status: 405 })
})

test('GET /status answers 500 with the code for a configuration that is invalid', async () => {
  const admin = createAdminHandler({
    open: () => StorageRuntime.start({ STORAGE: 'None' }, []),
    authorize: () => true,
    secret: TOKEN,
    onError: (error) => expect(error).toBeInstanceOf(StoreError),
  })
  const response = await admin(new Request('https://bot.example.com/admin/status'))
  expect(response?.status).toBe(500)
  expect(await response?.json()).toMatchObject({ code: 'CONFIG_INVALID' })
})
