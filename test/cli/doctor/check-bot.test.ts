import { expect, onTestFinished, test } from 'vitest'
import type { Check } from '../../../cli/doctor/check.ts'
import type { ExitCode } from '../../../cli/errors.ts'
import type { AdminHandlerOptions } from '../../../src/admin/index.ts'
import { StoreError } from '../../../src/index.ts'
import { VERSION } from '../../../src/version.ts'
import { startMemoryBot } from '../support/memory-bot.ts'
import { cli, type CliOptions } from '../support/run-cli.ts'
import { serve } from '../support/servers.ts'
import { temporaryFile } from '../support/temporary-file.ts'

/** A configuration without a mistake, so that every warning and problem is the bot's. */
const CONFIG = JSON.stringify({
  compatibility_date: '2026-10-01',
  vars: { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'BOT_KV' } },
  kv_namespaces: [{ binding: 'BOT_KV' }],
})

interface Diagnosis {
  readonly exitCode: ExitCode
  readonly checks: readonly Check[]
  readonly stderr: string
}

async function diagnose(url: string, options?: CliOptions): Promise<Diagnosis> {
  const config = await temporaryFile('wrangler.json', CONFIG)
  const args = ['doctor', '--config', config, '--url', url, '--json']
  const { exitCode, stdout, stderr } = await cli(args, options)
  const { checks = [] } = JSON.parse(stdout || '{}') as { readonly checks?: Check[] }
  return { exitCode, stderr, checks: checks.filter(({ level }) => level !== 'ok') }
}

async function diagnoseBot(
  options?: Partial<AdminHandlerOptions>,
  cliOptions?: CliOptions,
): Promise<Diagnosis> {
  const bot = await startMemoryBot(options)
  onTestFinished(() => bot.stop())
  return diagnose(bot.url, cliOptions)
}

/** Starts a server that answers each path of the admin API with JSON. */
function startServer(answers: Readonly<Record<string, () => unknown>>): Promise<string> {
  return serve(({ url = '' }, response) => {
    const answer = answers[url.replace(/\?.*/, '')]
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer?.() ?? { error: 'Not found.' }))
  })
}

const namespaces = (): unknown => ({ namespaces: [] })

test('a bot of the same version that can read its storage has no problem', async () => {
  expect(await diagnoseBot()).toEqual({ exitCode: 0, stderr: '', checks: [] })
})

test('another version in the Worker is a warning with both versions', async () => {
  const url = await startServer({
    '/admin/status': () => ({ version: '0.0.9', now: Date.now() }),
    '/admin/namespaces': namespaces,
  })
  const { exitCode, checks } = await diagnose(url)
  expect(exitCode).toBe(0)
  expect(checks).toMatchObject([
    { level: 'warning', message: `The Worker has botshelf 0.0.9, and this command is ${VERSION}.` },
  ])
})

test('a version without GET /status is a warning, a URL without a bot a problem', async () => {
  const older = await diagnose(await startServer({ '/admin/namespaces': namespaces }))
  expect(older).toMatchObject({ exitCode: 0, checks: [{ level: 'warning' }] })
  expect(older.checks[0]?.message).toContain('older version of botshelf')
  expect(await diagnose(await startServer({}))).toMatchObject({
    exitCode: 8,
    stderr: 'botshelf: Found 1 problem.\n',
    checks: [{ level: 'problem', message: expect.stringContaining('status 404') as string }],
  })
})

test.each([
  [60_000, 'The clock of this machine is 60 s behind that of the Worker.'],
  [-60_000, 'The clock of this machine is 60 s ahead of that of the Worker.'],
])('a clock that differs by %i ms is a warning', async (skew, message) => {
  const status = (): unknown => ({ version: VERSION, now: Date.now() + skew })
  const url = await startServer({ '/admin/status': status, '/admin/namespaces': namespaces })
  expect((await diagnose(url)).checks).toMatchObject([{ level: 'warning', message }])
})

test.each([
  ['CONFIG_INVALID', 'Check the configuration'],
  ['VERSION_MISMATCH', 'deploy both from one version'],
  ['QUOTA_EXCEEDED', 'npx wrangler tail'],
] as const)('a storage that fails with %s is a problem with what to do', async (code, advice) => {
  const open = (): never => {
    throw new StoreError(code, 'a secret detail')
  }
  const { exitCode, checks } = await diagnoseBot({ open })
  expect(exitCode).toBe(8)
  expect(checks).toMatchObject([
    {
      level: 'problem',
      message: expect.stringContaining(`(${code})`) as string,
      advice: expect.stringContaining(advice) as string,
    },
  ])
})

test('a wrong token is a problem, a missing one exit code 5', async () => {
  expect(await diagnoseBot({}, { env: { BOTSHELF_TOKEN: 'wrong' } })).toMatchObject({
    exitCode: 8,
    checks: [{ level: 'problem', message: expect.stringContaining('token is wrong') as string }],
  })
  expect(await diagnoseBot({}, { env: {} })).toMatchObject({ exitCode: 5, checks: [] })
})

test('a bot that cannot be reached is a problem', async () => {
  expect(await diagnose('http://127.0.0.1:1024/')).toMatchObject({
    exitCode: 8,
    checks: [{ level: 'problem', message: expect.stringContaining('refused') as string }],
  })
})
