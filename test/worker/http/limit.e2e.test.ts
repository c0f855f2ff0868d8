import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { clientOf } from '../../../worker/http/client.ts'
import { enforceLimit } from '../../../worker/http/limit.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../support/test-servers.ts'

function from(address?: string): Request {
  return new Request('https://bot.example.com/', {
    headers: address === undefined ? {} : { 'cf-connecting-ip': address },
  })
}

describe('clientOf() returns', () => {
  test.each<[string, string | undefined, string]>([
    ['an IPv4 address', '192.0.2.1', '192.0.2.1'],
    ['the /64 of IPv6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['the same /64, for another address in it', '2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
    ['another /64, for another network', '2001:db8:1:3:3:4:5:6', '2001:db8:1:3::/64'],
    ['a /64 in canonical form', '2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['a /64 with zeros omitted at its start', '::1', '0:0:0:0::/64'],
    ['a /64 with zeros omitted in the middle', '2001:db8::5:6:7:8', '2001:db8:0:0::/64'],
    ['a /64 with zeros omitted at its end', 'fe80::', 'fe80:0:0:0::/64'],
    ['IPv4 within IPv6', '::ffff:192.0.2.1', '192.0.2.1'],
    ['IPv4 within IPv6, in hexadecimal', '::FFFF:c000:201', '192.0.2.1'],
    ['IPv4 within IPv6, written out', '0:0:0:0:0:ffff:c0a8:ff', '192.168.0.255'],
    [
      'a /64 for an address that only looks like IPv4 within IPv6',
      '1::ffff:192.0.2.1',
      '1:0:0:0::/64',
    ],
    ['local, without an address', undefined, 'local'],
    ['local, with an empty address', ' ', 'local'],
    ['other text, unchanged', 'not:an/address', 'not:an/address'],
    ['the first 64 characters of longer text', 'x'.repeat(100), 'x'.repeat(64)],
  ])('%s', (_, address, client) => {
    expect(clientOf(from(address))).toBe(client)
  })
})

describe('enforceLimit()', () => {
  test('allows everything without a limiter', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    await expect(enforceLimit(undefined, 'messages', from())).resolves.toBeUndefined()
    expect(error).not.toHaveBeenCalled()
    error.mockRestore()
  })
  test('allows a request if the limiter fails, and logs that', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const failure = new Error('The limiter is offline.')
    const limiter = { limit: () => Promise.reject(failure) }
    await expect(enforceLimit(limiter, 'messages', from())).resolves.toBeUndefined()
    expect(error.mock.calls).toEqual([[failure]])
    error.mockRestore()
  })
  test('counts each scope and each client separately', async () => {
    const counted: string[] = []
    const limiter = {
      async limit({ key }: { key: string }) {
        counted.push(key)
        return { success: true }
      },
    }
    await enforceLimit(limiter, 'messages', from('192.0.2.1'))
    await enforceLimit(limiter, 'admin', from('192.0.2.1'))
    await enforceLimit(limiter, 'admin', from('192.0.2.2'))
    expect(new Set(counted).size).toBe(3)
  })
})

const MAX_GUESSES = 40

describe('a flood in a real Worker', () => {
  const servers = new TestServers()
  let server: DevServer

  beforeAll(async () => {
    const config = join(await servers.project(), 'wrangler.toml')
    const text = await readFile(config, 'utf8')
    // A low limit, so that the test needs few requests.
    await writeFile(config, text.replace('limit = 3000', `limit = ${MAX_GUESSES}`))
    server = await servers.start(await servers.folder(), TOKEN)
  }, STARTS_WITHIN)
  afterAll(() => servers.stop(), 20_000)

  function post(client: string | undefined, text: string): Promise<Response> {
    return fetch(new URL('/api/messages', server.url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(client === undefined ? {} : { 'cf-connecting-ip': client }),
      },
      body: JSON.stringify({ room: 'r', user: 'ann', text }),
    })
  }

  function guess(client: string, token: string): Promise<Response> {
    return fetch(new URL('/admin/namespaces', server.url), {
      headers: { 'cf-connecting-ip': client, authorization: `Bearer ${token}` },
    })
  }

  test('of messages is answered 429; other clients and the admin API are not limited by it', async () => {
    const config = await readFile(new URL('../../../wrangler.toml', import.meta.url), 'utf8')
    const periods = new Set(
      [...config.matchAll(/limit = \d+, period = (\d+)/g)].map(([, period]) => period),
    )
    const limit = Number(/"WEB_LIMIT"[^[]*limit = (\d+)/.exec(config)?.[1])
    // The simulator's windows begin with the minute, so a flood may extend over two of them.
    const most = 2 * limit + 1
    let sent = 0
    let answered = 0
    const refused: Response[] = []
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        while (refused.length === 0 && sent < most) {
          sent++
          // One client with many addresses of its /64; an empty text is refused early.
          const reply = await post(`2001:db8::${sent.toString(16)}`, '')
          if (reply.status === 429) refused.push(reply)
          else {
            expect(reply.status).toBe(400)
            answered++
          }
        }
      }),
    )
    expect(answered).toBeGreaterThanOrEqual(limit)
    expect(answered).toBeLessThan(most)
    const [first] = refused
    const seconds = first?.headers.get('retry-after')
    expect(periods).toEqual(new Set([seconds]))
    expect(await first?.json()).toEqual({
      error: `Too many requests; try again in ${seconds} seconds.`,
    })
    for (const client of ['192.0.2.7', '2001:db8:0:1::1', undefined]) {
      expect((await post(client, 'hello')).status).toBe(200)
    }
    const operator = await fetch(new URL('/admin/namespaces', server.url), {
      headers: { 'cf-connecting-ip': '2001:db8::1', authorization: `Bearer ${TOKEN}` },
    })
    expect(operator.status).toBe(200)
    expect(await operator.json()).toMatchObject({ namespaces: expect.arrayContaining(['Seen']) })
  }, 60_000)

  test('of wrong tokens is answered 429 before the token is checked', async () => {
    const statuses: number[] = []
    // The flood may extend over two windows of the simulator.
    for (let at = 0; at <= 2 * MAX_GUESSES && !statuses.includes(429); at++) {
      statuses.push((await guess('203.0.113.9', 'guessed')).status)
    }
    expect(new Set(statuses)).toEqual(new Set([401, 429]))
    expect(statuses.length).toBeGreaterThan(MAX_GUESSES)
    expect((await guess('203.0.113.10', TOKEN)).status).toBe(200)
  })
})
