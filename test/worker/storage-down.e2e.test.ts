import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BOT_TOKEN, FakeBotApi } from '../../scripts/bot-api.ts'
import type { DevServer } from '../../scripts/dev-server.ts'
import { encode } from '../../src/codec.ts'
import { SECRET, textUpdate } from './telegram/support/deliver.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from './support/test-servers.ts'

// The Worker with objects that abort each call.
const DOWN = `
import { DurableObject } from 'cloudflare:workers'
export { default } from './index.js'

export class StorageObject extends DurableObject {
  call() {
    this.ctx.abort('The object is down.')
  }
}
`

const servers = new TestServers()
let api: FakeBotApi
let server: DevServer

beforeAll(async () => {
  api = await FakeBotApi.start()
  const project = await servers.project()
  await writeFile(join(project, 'worker', 'down.js'), DOWN)
  const config = join(project, 'wrangler.toml')
  const text = await readFile(config, 'utf8')
  await writeFile(config, text.replace('worker/index.ts', 'worker/down.js'))
  server = await servers.start(await servers.folder(), TOKEN, {
    variables: {
      TELEGRAM_BOT_TOKEN: BOT_TOKEN,
      TELEGRAM_WEBHOOK_SECRET: SECRET,
      TELEGRAM_API_ROOT: api.url,
    },
  })
}, STARTS_WITHIN)

afterAll(async () => {
  await servers.stop()
  await api.close()
}, 20_000)

describe('while the storage is down, a request is answered 503 with retry-after', () => {
  const entries = { k: encode(1) }
  test.each<[string, string, unknown?]>([
    ['GET', '/admin/namespaces'],
    ['GET', '/admin/storage/Karma'],
    ['GET', '/admin/keys/Karma'],
    ['GET', '/admin/backup'],
    ['PUT', '/admin/storage/Karma', { entries }],
    ['PATCH', '/admin/storage/Karma', { entries, lists: 'append' }],
    ['POST', '/api/messages', { room: 'r', user: 'ann', text: 'hello' }],
    ['POST', '/telegram', textUpdate(1, 'hello')],
  ])('%s %s', async (method, path, body) => {
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      'x-telegram-bot-api-secret-token': SECRET,
    }
    const init = body === undefined ? { headers } : { method, headers, body: JSON.stringify(body) }
    const reply = await fetch(new URL(path, server.url), init)
    const answer = (await reply.json()) as { error?: string; code?: string }
    expect([reply.status, answer.code]).toEqual([503, 'CONNECTION_LOST'])
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.error).toMatch(/^The storage .*\.$/)
  })
  test('the bot sends nothing on Telegram', () => {
    expect(api.calls.filter(({ method }) => method === 'sendMessage')).toEqual([])
  })
  test('the other storage still works', async () => {
    const reply = await fetch(new URL('/admin/namespaces?storage=CloudflareKV', server.url), {
      headers: { authorization: `Bearer ${TOKEN}` },
    })
    expect([reply.status, await reply.json()]).toEqual([200, { namespaces: [] }])
  })
})
