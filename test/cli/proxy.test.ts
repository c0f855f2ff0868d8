import { createServer } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MemoryBot, startMemoryBot, TOKEN } from './support/memory-bot.ts'
import { listen } from './support/servers.ts'
import { type CliResult, cli } from './support/run-cli.ts'

let bot: MemoryBot
const run = (args: readonly string[], env: Readonly<Record<string, string>>): Promise<CliResult> =>
  cli(args, { env: { BOTSHELF_TOKEN: TOKEN, ...env } })
beforeAll(async () => {
  bot = await startMemoryBot()
})
afterAll(() => bot.stop())

/** Starts a proxy that connects every host to the bot. */
async function startProxy(): Promise<{ readonly url: string; readonly connected: string[] }> {
  const connected: string[] = []
  const proxy = createServer()
  proxy.on('connect', ({ url = '', rawHeaders }, client) => {
    connected.push(url)
    expect(rawHeaders.join(' ')).not.toContain(TOKEN)
    const upstream = connect(Number(new URL(bot.url).port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream.destroy())
  })
  return { url: `http://127.0.0.1:${await listen(proxy)}`, connected }
}

test.each(['HTTP_PROXY', 'http_proxy'])('calls go through the proxy of %s', async (variable) => {
  const proxy = await startProxy()
  const args = ['ls', '--url', 'http://bot.invalid', '--json']
  const { exitCode, stdout, stderr } = await run(args, { [variable]: proxy.url })
  expect([exitCode, stdout, stderr]).toEqual([0, '{}\n', ''])
  expect(proxy.connected).toEqual(['bot.invalid:80'])
})

test('calls of https go through the proxy of HTTPS_PROXY, and hosts of NO_PROXY do not', async () => {
  const proxy = await startProxy()
  const env = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url }
  const secure = await run(['ls', '--url', 'https://bot.invalid'], env)
  // The bot behind the proxy has no certificate.
  expect(secure).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('TLS') })
  expect(proxy.connected).toEqual(['bot.invalid:443'])
  const direct = await run(['ls', '--url', bot.url], { ...env, NO_PROXY: '127.0.0.1' })
  expect(direct.exitCode).toBe(0)
  expect(proxy.connected).toHaveLength(1)
})

test('a proxy that refuses, that is not there, or that is no URL is named', async () => {
  const refusing = createServer()
  refusing.on('connect', (_, client) => {
    client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
  })
  const url = `http://127.0.0.1:${await listen(refusing)}`
  const args = ['ls', '--url', 'http://bot.invalid']
  const refused = await run(args, { HTTP_PROXY: url })
  expect(refused.exitCode).toBe(4)
  expect(refused.stderr).toMatch(/The proxy refused it: .*407/)
  const absent = await run(args, { HTTP_PROXY: 'http://127.0.0.1:1024' })
  expect(absent.exitCode).toBe(4)
  expect(absent.stderr).toContain('The proxy of HTTPS_PROXY or HTTP_PROXY may be the reason;')
  const invalid = await run(args, { HTTP_PROXY: 'ann:secret@proxy' })
  expect([invalid.exitCode, invalid.stderr]).toEqual([2, expect.stringContaining('must be URLs')])
  expect(invalid.stderr).not.toContain('secret')
})
