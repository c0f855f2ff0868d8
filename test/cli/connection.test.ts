import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MemoryBot, startMemoryBot, TOKEN } from './support/memory-bot.ts'
import { type CliResult, cli } from './support/run-cli.ts'
import {
  type Certificate,
  readCertificate,
  listen,
  serve,
  serveSecurely,
} from './support/servers.ts'
import { spawnCli } from './support/spawn-cli.ts'
import { temporaryFile } from './support/temporary-file.ts'

let bot: MemoryBot
let certificate: Certificate

beforeAll(async () => {
  ;[bot, certificate] = await Promise.all([startMemoryBot(), readCertificate()])
})
afterAll(async () => {
  await bot.stop()
})

const ls = (url: string, ...args: readonly string[]): Promise<CliResult> =>
  cli(['ls', '--url', url, ...args])

interface Expected {
  readonly exitCode: number
  /** Parts of the sentence. */
  readonly parts: readonly string[]
}

function expectFailure(result: CliResult, { exitCode, parts }: Expected): void {
  expect([result.exitCode, result.stdout]).toEqual([exitCode, ''])
  // One line, with a full stop.
  expect(result.stderr).toMatch(/^botshelf: [^\n]*\.\n$/)
  for (const part of parts) expect(result.stderr).toContain(part)
  expect(result.stderr).not.toContain(TOKEN)
}

test('a host without an address in DNS', async () => {
  expectFailure(await ls('http://bot.invalid/'), {
    exitCode: 4,
    parts: ['DNS has no address for bot.invalid', 'Check the spelling'],
  })
})

test('a port that nothing listens on', async () => {
  expectFailure(await ls('http://127.0.0.1:1024/'), {
    exitCode: 4,
    parts: ['http://127.0.0.1:1024/', 'was refused', 'start the bot'],
  })
})

test('a port that fetch() refuses', async () => {
  expectFailure(await ls('http://127.0.0.1:6000/'), {
    exitCode: 4,
    parts: ['fetch() never connects to this port'],
  })
})

test('a server that closes the connection', async () => {
  const port = await listen(createServer((socket) => socket.destroy()))
  expectFailure(await ls(`http://127.0.0.1:${port}/`), {
    exitCode: 4,
    parts: ['closed before there was an answer', 'speaks HTTP,'],
  })
})

test('a server that does not speak HTTP', async () => {
  const port = await listen(createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')))
  expectFailure(await ls(`http://127.0.0.1:${port}/`), {
    exitCode: 4,
    parts: ['The answer is not HTTP', 'Check the port'],
  })
})

test('http:// to a port that speaks HTTPS', async () => {
  const port = await serveSecurely(certificate, (_, reply) => reply.end())
  expectFailure(await ls(`http://localhost:${port}/`), {
    exitCode: 4,
    parts: ['closed before there was an answer', 'whether the port speaks HTTP,'],
  })
})

test('https:// to a port that speaks HTTP', async () => {
  expectFailure(await ls(bot.url.replace('http:', 'https:')), {
    exitCode: 4,
    parts: ['does not speak TLS', 'Use http://'],
  })
})

test('a certificate that is not trusted, until NODE_EXTRA_CA_CERTS names it, and then only for its host', async () => {
  const port = await serveSecurely(certificate, (_, reply) => reply.end('{ "sizes": {} }'))
  expectFailure(await ls(`https://localhost:${port}/`), {
    exitCode: 4,
    parts: ['certificate is not trusted', 'NODE_EXTRA_CA_CERTS'],
  })
  const env = { NODE_EXTRA_CA_CERTS: certificate.file }
  const trusted = await spawnCli(['ls', '--url', `https://localhost:${port}/`, '--json'], env)
  expect(trusted).toEqual({ exitCode: 0, stdout: '{}\n', stderr: '' })
  const otherHost = await spawnCli(['ls', '--url', `https://127.0.0.1:${port}/`], env)
  expect(otherHost).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining('The certificate is for another host'),
  })
})

test('a wrong token, a missing one, and a file without one', async () => {
  const wrong = await cli(['ls', '--url', bot.url], { env: { BOTSHELF_TOKEN: 'secret guess' } })
  expectFailure(wrong, { exitCode: 5, parts: ['The admin token is wrong'] })
  expect(wrong.stderr).not.toContain('secret guess')
  const missing = await cli(['ls', '--url', bot.url], { env: {} })
  expectFailure(missing, { exitCode: 5, parts: ['set BOTSHELF_TOKEN', '--token-file'] })
  const file = await temporaryFile('token.txt', '\n')
  expectFailure(await ls(bot.url, '--token-file', file), { exitCode: 5, parts: ['is empty'] })
  expectFailure(await ls(bot.url, '--token-file', `${file}.no`), {
    exitCode: 6,
    parts: ['There is no file'],
  })
})

test('--token-file is read before BOTSHELF_TOKEN, and BOTSHELF_URL is the default of --url', async () => {
  const file = await temporaryFile('token.txt', `${TOKEN}\n`)
  const env = { BOTSHELF_TOKEN: 'wrong', BOTSHELF_URL: bot.url }
  expect((await cli(['ls', '--token-file', file], { env })).exitCode).toBe(0)
  expectFailure(await cli(['ls'], { env: {} }), { exitCode: 2, parts: ['--url', 'BOTSHELF_URL'] })
})

test('a URL with a token, a password or no scheme is refused and not repeated', async () => {
  for (const url of [
    `${bot.url}#token=${TOKEN}`,
    `http://ann:${TOKEN}@127.0.0.1/`,
    `${bot.url}?token=${TOKEN}`,
    `localhost:8787/#token=${TOKEN}`,
    `ann:${TOKEN}@localhost`,
    `ftp://ann:${TOKEN}@localhost`,
  ]) {
    expectFailure(await ls(url), { exitCode: 2, parts: ['--url must'] })
  }
})

test('a path without an admin API, on a bot and on another server', async () => {
  expectFailure(await ls(bot.url, '--base-path', '/elsewhere'), {
    exitCode: 6,
    parts: ['a web page instead of JSON (status 404)', 'Check the URL'],
  })
  const withoutApi = await serve((_, reply) => {
    reply.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Not found."}')
  })
  expectFailure(await ls(withoutApi), {
    exitCode: 6,
    parts: ['has nothing at admin/namespaces (status 404)', 'only if the bot has an admin token'],
  })
})

test.each([
  [200, 6, 'Check the URL and the base path.'],
  [403, 7, 'Check the URL and the base path.'],
  [502, 7, 'The bot or a proxy in front of it failed'],
])('a web page with status %i', async (status, exitCode, advice) => {
  const url = await serve((_, reply) => {
    reply.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>')
  })
  expectFailure(await ls(url), {
    exitCode,
    parts: [`a web page instead of JSON (status ${status})`, advice],
  })
})

test('a login page in front of the bot does not blame the admin token', async () => {
  const url = await serve((_, reply) => {
    reply.writeHead(401, { 'content-type': 'text/html' }).end('<!doctype html>')
  })
  expectFailure(await ls(url), { exitCode: 5, parts: ['a web page instead of JSON (status 401)'] })
})

test('a redirect is not followed, and its target is named without its query', async () => {
  const received: unknown[] = []
  const other = await serve(({ headers }, reply) => {
    received.push(headers)
    reply.end('{ "sizes": {} }')
  })
  const url = await serve((_, reply) => {
    reply.writeHead(302, { location: `${other}login?token=${TOKEN}` }).end()
  })
  expectFailure(await ls(url), {
    exitCode: 6,
    parts: [`redirects to ${other}login (status 302)`, 'Use the URL'],
  })
  expect(received).toEqual([])
})

test('a server that repeats the token or sends control characters does not reach the terminal with them', async () => {
  const url = await serve(({ headers }, reply) => {
    reply.writeHead(400).end(JSON.stringify({ error: `\u001B[2J${headers.authorization}\nx.` }))
  })
  expectFailure(await ls(url), { exitCode: 7, parts: [String.raw`\u001b[2JBearer *** x.`] })
})

test('Ctrl-C does not wait for a bot that does not answer', async () => {
  const interrupt = new AbortController()
  const url = await serve(() => interrupt.abort())
  const { exitCode, stderr } = await cli(['ls', '--url', url], { signal: interrupt.signal })
  expect([exitCode, stderr]).toEqual([130, 'botshelf: Interrupted.\n'])
})

test('no base path sends the token to another server', async () => {
  let received = 0
  const other = await serve((_request, response) => {
    received++
    response.end('{}')
  })
  for (const path of [
    `/${other}x`,
    `//${other.slice('http:'.length)}x`,
    `/\\\\${other.slice(7)}x`,
  ]) {
    const { exitCode, stderr } = await ls(bot.url, '--base-path', path)
    expect([path, exitCode, received]).toEqual([path, 4, 0])
    expect(stderr).toContain('leads to another server')
  }
})

test('an empty base path is the path of the URL', async () => {
  const rooted = await startMemoryBot({ basePath: '/bot' })
  try {
    expect((await ls(`${rooted.url}bot/`, '--base-path', '')).exitCode).toBe(0)
  } finally {
    await rooted.stop()
  }
})

test('an empty name of a storage is refused', async () => {
  expectFailure(await ls(bot.url, '--storage', ''), {
    exitCode: 2,
    parts: ['--storage must be a name'],
  })
})

test('no answer makes an error show the token', async () => {
  const url = await serve((request, response) => {
    const sent = (request.headers.authorization ?? '').slice('Bearer '.length)
    const status = request.url?.includes('sizes') ? 302 : 409
    response.writeHead(status, {
      location: `/login/${encodeURI(sent)}/${encodeURIComponent(sent)}`,
    })
    response.end(JSON.stringify({ error: sent, code: sent }))
  })
  const results = [await ls(url), await ls(url, 'Karma'), await cli(['doctor', '--url', url])]
  for (const { stdout, stderr } of results) {
    expect(decodeURIComponent(`${stdout}${stderr}`)).not.toContain(TOKEN)
    expect(`${stdout}${stderr}`).toContain('***')
  }
})

test('a mistyped option is named without its value, which may be the token', async () => {
  const { exitCode, stderr } = await ls(bot.url, `--token=${TOKEN}`)
  expect([exitCode, stderr.split('\n')[0]]).toEqual([2, "botshelf: unknown option '--token'"])
})
