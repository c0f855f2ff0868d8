import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type BrowserContext, type CDPSession, chromium, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { chromiumLaunch } from '../../../../scripts/chromium.ts'

const SHELF = fileURLToPath(new URL('./page-harness.ts', import.meta.url))
const PAGE = '<!doctype html><title>tab</title><script src="/shelf.js"></script>'
const SANDBOX = '<!doctype html><title>tab</title><iframe sandbox="allow-scripts" src="/"></iframe>'

/** A real Chromium for a test file, with its data on disk, and sites for it to load. */
export class Chromium {
  #script = ''
  #profile = ''
  #context: BrowserContext | undefined
  readonly #server = createServer(({ url = '/' }, reply) => {
    const script = url === '/shelf.js'
    reply.setHeader('content-type', script ? 'text/javascript' : 'text/html')
    reply.end(script ? this.#script : (this.answers[url] ?? (url === '/sandbox' ? SANDBOX : PAGE)))
  })
  /** What the sites answer, by path. */
  readonly answers: Record<string, string> = {}
  /** What was thrown in a page or a worker and caught by nobody. */
  readonly uncaught: string[] = []

  async start(): Promise<void> {
    const bundle = await build({
      entryPoints: [SHELF],
      bundle: true,
      conditions: ['botshelf-source'],
      // A plain script runs in a sandboxed frame too, where modules are refused.
      format: 'iife',
      target: 'esnext',
      write: false,
    })
    this.#script = bundle.outputFiles[0]?.text ?? ''
    this.#profile = await mkdtemp(join(tmpdir(), 'botshelf-tabs-'))
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    await this.launch()
  }

  /** Starts the browser, again after it was killed, on the data that there is. */
  async launch(): Promise<void> {
    this.#context = await chromium.launchPersistentContext(this.#profile, {
      ...chromiumLaunch(),
      headless: true,
    })
  }

  async stop(): Promise<void> {
    await this.#context?.close()
    this.#server.closeAllConnections()
    this.#server.close()
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }

  get context(): BrowserContext {
    if (this.#context === undefined) throw new Error('Chromium is not running.')
    return this.#context
  }

  /** A new origin, with storage and a quota of its own. */
  site(): Site {
    const { port } = this.#server.address() as AddressInfo
    return new Site(this, `http://t${randomUUID().slice(0, 8)}.localhost:${port}`)
  }

  /** Kills the browser with all its processes, as `kill -9` does. */
  async kill(): Promise<void> {
    const browser = this.context.browser()
    if (browser === null) throw new Error('Chromium is not running.')
    const session = await browser.newBrowserCDPSession()
    const { processInfo } = await session.send('SystemInfo.getProcessInfo')
    const main = processInfo.find(({ type }) => type === 'browser')
    if (main === undefined) throw new Error('Chromium has no process.')
    const gone = new Promise<void>((resolve) => this.context.once('close', () => resolve()))
    // It was started as a process group of its own.
    process.kill(-main.id, 'SIGKILL')
    await gone
  }

  async closePages(): Promise<void> {
    const [first, ...others] = this.context.pages()
    await first?.goto('about:blank')
    await Promise.all(others.map((page) => page.close()))
  }
}

/** Where code can run: a tab, a frame or a worker. */
export type Realm = Pick<Page, 'evaluate'>

/** One origin and its tabs. */
export class Site {
  readonly #chromium: Chromium
  readonly origin: string
  #session: Promise<CDPSession> | undefined

  constructor(of: Chromium, origin: string) {
    this.#chromium = of
    this.origin = origin
  }

  async tab(path = '/'): Promise<Page> {
    const page = await this.#chromium.context.newPage()
    const { uncaught } = this.#chromium
    page.on('pageerror', (error) => uncaught.push(error.message))
    page.on('console', (message) => {
      if (message.text().startsWith('uncaught: ')) uncaught.push(message.text())
    })
    await page.goto(this.origin + path)
    return page
  }

  async twoTabs(): Promise<readonly [Page, Page]> {
    return Promise.all([this.tab(), this.tab()])
  }

  /** A worker of a tab. */
  async worker(tab: Page): Promise<Realm> {
    const started = tab.waitForEvent('worker')
    await tab.evaluate(() => void new Worker('/shelf.js', { type: 'module' }))
    const worker = (await started) as Realm
    await eventually(() => worker.evaluate(() => 'shelf' in globalThis)).toBe(true)
    return worker
  }

  /** Does what a person does who clears the site's data. */
  async clearData(): Promise<void> {
    const devTools = await this.#devTools()
    await devTools.send('Storage.clearDataForOrigin', { origin: this.origin, storageTypes: 'all' })
  }

  /**
   * Clears the data until there is a sign of it; resolves to whether there was. Where openings and
   * clearings meet on a busy machine, Chromium answers that it has cleared a site and has not: its
   * connections live, and its data is there.
   */
  async clearDataUntil(sign: () => Promise<boolean>): Promise<boolean> {
    for (let time = 0; time < 2; time++) {
      await this.clearData()
      const until = Date.now() + 4000
      while (Date.now() < until) {
        if (await sign()) return true
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    return false
  }

  /** Limits what the site may store, in bytes. It holds only from before the first use. */
  async limit(quotaSize: number): Promise<void> {
    const devTools = await this.#devTools()
    await devTools.send('Storage.overrideQuotaForOrigin', { origin: this.origin, quotaSize })
  }

  // A limit lasts as long as the session that set it.
  async #devTools(): Promise<CDPSession> {
    const { context } = this.#chromium
    const page = context.pages()[0] ?? (await context.newPage())
    this.#session ??= context.newCDPSession(page)
    return this.#session
  }
}

/** Expects what will be so after a while. */
export function eventually<T>(read: () => Promise<T>): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 20_000, interval: 20 })
}

/** Starts a Chromium for the tests of a file, none of which may leave an error uncaught. */
export function useChromium(): Chromium {
  const browser = new Chromium()
  beforeAll(() => browser.start())
  afterAll(() => browser.stop())
  afterEach(async () => {
    await browser.closePages()
    expect(browser.uncaught.splice(0)).toEqual([])
  })
  return browser
}
