import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'
import { chromium, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createTestHarness } from 'wrangler'
import { type Framework, FRAMEWORKS } from '../../create-botshelf/src/choices.ts'
import { chromiumLaunch } from '../../scripts/chromium.ts'
import { Consumer, INSTALL_TIMEOUT_MS } from '../package/support/consumer.ts'
import { ROOT, run, toolEnvironment } from '../package/support/run.ts'

const START_TIMEOUT_MS = 60_000

/** What the projects use beside botshelf, as this project installed it. */
const TOOLS = [
  '@cloudflare/workers-types',
  '@types/node',
  'chat',
  'grammy',
  'node',
  'typescript',
  'vite',
  'wrangler',
]

let consumer: Consumer
let parent: string
const servers: ChildProcess[] = []

beforeAll(async () => {
  // Otherwise Miniflare requests its location from the network.
  vi.stubEnv('CLOUDFLARE_CF_FETCH_ENABLED', 'false')
  consumer = await Consumer.start(join(ROOT, 'create-botshelf'))
  // The projects are below this folder, so that everything is installed once.
  parent = await consumer.create('projects', {}, TOOLS)
}, INSTALL_TIMEOUT_MS)

afterEach(() => {
  for (const { pid } of servers.splice(0)) process.kill(-pid!, 'SIGKILL')
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await consumer.stop()
})

async function create(...args: string[]): Promise<void> {
  await run(parent, join(parent, 'node_modules/.bin/create-botshelf'), ...args)
}

/** Creates a project, runs its tests, starts it, and resolves to its address. */
async function createAndStart(name: string, ...options: string[]): Promise<string> {
  await create(name, ...options)
  const folder = join(parent, name)
  await run(folder, 'npm', 'test')
  // Its own process group: npm, the tool and workerd end together.
  const server = spawn('npm', ['start', '--', '--port=0'], {
    cwd: folder,
    env: toolEnvironment(),
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  servers.push(server)
  return new Promise((resolve, reject) => {
    const lines: string[] = []
    const fail = (): void => reject(new Error(`npm start printed no address:\n${lines.join('\n')}`))
    setTimeout(fail, START_TIMEOUT_MS).unref()
    server.on('exit', fail)
    createInterface(server.stdout).on('line', (line) => {
      lines.push(line)
      const [address] = /http:\/\/localhost:\d+/.exec(stripVTControlCharacters(line)) ?? []
      if (address !== undefined) resolve(address)
    })
  })
}

interface Sample {
  readonly path: string
  readonly message: string
  readonly reply: RegExp
  /** The namespaces that the message creates. */
  readonly namespaces: readonly string[]
}

const SAMPLES: Readonly<Record<Framework, Sample>> = {
  none: { path: '/', message: 'ann++', reply: /^ann: 1\n$/, namespaces: ['Karma'] },
  grammy: {
    path: '/telegram',
    message:
      '{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":7,"type":"private"},"text":"hi"}}',
    reply: /"text":"Message 1"/,
    namespaces: ['sessions'],
  },
  'chat-sdk': {
    path: '/',
    message: '{"id":"1","thread":"a","text":"hello"}',
    reply: /^\["Message 1"\]$/,
    namespaces: ['chat', 'thread json:a'],
  },
}

test.each(FRAMEWORKS)(
  'a new Worker with the framework %s passes its tests, replies to a message, and has the admin API',
  { timeout: INSTALL_TIMEOUT_MS },
  async (framework) => {
    const address = await createAndStart(framework, '--framework', framework)
    const { path, message: body, reply, namespaces } = SAMPLES[framework]
    const headers = {
      'content-type': 'application/json',
      'x-telegram-bot-api-secret-token': 'local',
    }
    const response = await fetch(address + path, { method: 'POST', headers, body })
    expect(await response.text()).toMatch(reply)
    const listed = await fetch(`${address}/admin/namespaces`, {
      headers: { authorization: 'Bearer local' },
    })
    expect(await listed.json()).toEqual({ namespaces })
    // An ignored name would let `rm --storage Other` remove entries of the only storage.
    const other = await fetch(`${address}/admin/namespaces?storage=Other`, {
      headers: { authorization: 'Bearer local' },
    })
    expect([other.status, await other.json()]).toEqual([
      400,
      { error: 'The only storage is DurableObject.' },
    ])
  },
)

test('a new Worker of grammY without the secret of its webhook takes no updates', async () => {
  const folder = join(parent, 'no-secret')
  await create('no-secret', '--framework', 'grammy')
  const secrets = { BOT_TOKEN: '1:test', WEBHOOK_SECRET: '' }
  const workers = [{ configPath: join(folder, 'wrangler.toml'), secrets }]
  const server = createTestHarness({ root: folder, workers })
  try {
    await server.listen()
    const { path, message } = SAMPLES.grammy
    const headers = { 'content-type': 'application/json' }
    const response = await server.fetch(path, { method: 'POST', headers, body: message })
    expect(response.status).toBe(500)
    expect(await response.text()).toBe('WEBHOOK_SECRET is not set.\n')
  } finally {
    await server.close()
  }
})

async function praise(page: Page, name: string): Promise<void> {
  await page.getByLabel('Message').fill(`${name}++`)
  await page.getByRole('button').click()
}

test(
  'a new page passes its tests, keeps what a visitor sends, and shows it in two tabs',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const address = await createAndStart('page', '--template', 'page')
    const browser = await chromium.launch(chromiumLaunch())
    try {
      const context = await browser.newContext()
      const problems: string[] = []
      context.on('weberror', (error) => problems.push(String(error.error())))
      const pages = [await context.newPage(), await context.newPage()] as const
      for (const page of pages) await page.goto(address)
      await praise(pages[0], 'ann')
      await pages[1].getByText('ann: 1').waitFor()
      await praise(pages[1], 'ann')
      for (const page of pages) await page.getByRole('listitem').getByText('ann: 2').waitFor()
      expect(problems).toEqual([])
    } finally {
      await browser.close()
    }
  },
)
