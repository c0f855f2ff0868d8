import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Browser, chromium, type Page } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { chromiumLaunch } from '../../scripts/chromium.ts'
import { createAdminHandler } from '../../src/admin/index.ts'
import { createPart } from '../../src/backup/part.ts'
import { encode } from '../../src/codec.ts'
import { StorageRuntime } from '../../src/index.ts'

const plugin = new MemoryStoragePlugin()
// As if the browser authorized each request, which it does for a bot behind a login with cookies.
const handle = createAdminHandler({
  open: () => new StorageRuntime(plugin),
  authorize: () => true,
  secret: 'secret',
})
const servers: Server[] = []
let browser: Browser
let bot: string
let otherSite: string

/** Starts a server: with the admin API, or with an empty page only. Each port is another origin. */
async function start(hasAdminApi: boolean): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const { method = 'GET', url = '/', headers } = incoming
      const body = await text(incoming)
      const request = new Request(`http://bot.example${url}`, {
        method,
        headers: headers as Record<string, string>,
        ...(body !== '' && { body }),
      })
      const response = hasAdminApi ? await handle(request) : undefined
      const type = { 'content-type': 'text/html' }
      outgoing.writeHead(response?.status ?? 200, response ? [...response.headers].flat() : type)
      outgoing.end(response ? await response.text() : '<!doctype html>')
    })()
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  ;[bot, otherSite, browser] = await Promise.all([
    start(true),
    start(false),
    chromium.launch(chromiumLaunch()),
  ])
})

afterAll(async () => {
  await browser.close()
  for (const server of servers) server.close()
})

async function openPage(url: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(url)
  return page
}

/** The options of `fetch()` in a page, as data. */
interface FetchOptions {
  readonly method: string
  readonly mode?: 'no-cors'
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Sends a request from a page; resolves to the text of the response, or to the name of the error. */
function fetchIn(page: Page, url: string, init: FetchOptions): Promise<string> {
  return page.evaluate(
    ([to, options]) =>
      fetch(to, options).then(
        (response) => response.text(),
        (error: unknown) => (error as Error).name,
      ),
    [url, init] as const,
  )
}

async function storedKeys(): Promise<string[]> {
  const store = await new StorageRuntime(plugin).open('N')
  const keys: string[] = []
  for await (const key of store.keys()) keys.push(key)
  return keys
}

function put(key: string): FetchOptions {
  return {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ entries: { [key]: encode(1) } }),
  }
}

test('a page of another site can neither read nor change what a page of the bot can', async () => {
  const storage = `${bot}/admin/storage/N`
  const own = await openPage(bot)
  expect(await fetchIn(own, storage, put('own'))).toContain('"set":1')
  expect(await storedKeys()).toEqual(['own'])

  const other = await openPage(otherSite)
  expect(await fetchIn(other, storage, put('other'))).toBe('TypeError')
  expect(await fetchIn(other, storage, { method: 'GET' })).toBe('TypeError')
  const part = await createPart({
    after: null,
    entries: [{ namespace: 'N', key: 'other', value: encode(1) }],
    isLast: true,
  })
  const body = JSON.stringify({ mode: 'merge', part })
  // Sent without a preflight, with the type text/plain; the response is opaque.
  const opaque: FetchOptions = { method: 'POST', mode: 'no-cors', body }
  expect(await fetchIn(other, `${bot}/admin/restore`, opaque)).toBe('')
  expect(await storedKeys()).toEqual(['own'])
})

test('a form of another site changes nothing', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const page = await openPage(otherSite)
    const answered = page.waitForResponse((response) => response.url().includes('/admin/restore'))
    await page.evaluate(
      ([action, enctype]) => {
        const form = Object.assign(document.createElement('form'), {
          action,
          enctype,
          method: 'POST',
        })
        const input = Object.assign(document.createElement('input'), {
          name: '{"mode":"',
          value: '"}',
        })
        form.append(input)
        document.body.append(form)
        form.submit()
      },
      [`${bot}/admin/restore`, type] as const,
    )
    expect((await answered).status()).toBe(415)
  }
})
