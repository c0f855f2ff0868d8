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

const HARNESS_ENTRY = fileURLToPath(new URL('./page-harness.ts', import.meta.url))
const HARNESS_PATH = '/page-harness.js'
const PAGE = `<!doctype html><title>tab</title><script src="${HARNESS_PATH}"></script>`
const SANDBOX = '<!doctype html><title>tab</title><iframe sandbox="allow-scripts" src="/"></iframe>'
/** How long `clearData` waits. On a busy machine Chromium may clear a site and not answer. */
const MAX_CLEARING_MS = 5000

export interface ChromiumOptions {
  /** Whether pages go into the back/forward cache, which playwright turns off. Default: false. */
  readonly hasPageCache?: boolean
}

/** A real Chromium for a test file, with its profile on disk, and a server for its pages. */
export class Chromium {
  readonly #options: ChromiumOptions
  #script = ''
  #profile = ''
  #context: BrowserContext | undefined
  readonly #server = createServer(({ url = '/' }, reply) => {
    const isScript = url === HARNESS_PATH
    const page = this.responses[url] ?? (url === '/sandbox' ? SANDBOX : PAGE)
    reply.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    reply.end(isScript ? this.#script : page)
  })
  /** What the server responds instead of the test page, by path. */
  readonly responses: Record<string, string> = {}
  /** The uncaught errors of pages and workers. */
  readonly uncaught: string[] = []

  constructor(options: ChromiumOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const bundle = await build({
      entryPoints: [HARNESS_ENTRY],
      bundle: true,
      conditions: ['botshelf-source'],
      // A classic script runs in a sandboxed frame too, where modules are refused.
      format: 'iife',
      target: 'esnext',
      write: false,
    })
    this.#script = bundle.outputFiles[0]?.text ?? ''
    this.#profile = await mkdtemp(join(tmpdir(), 'botshelf-tabs-'))
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    await this.launch()
  }

  /** Launches the browser with the profile. Call it again after `kill()`. */
  async launch(): Promise<void> {
    this.#context = await chromium.launchPersistentContext(this.#profile, {
      ...chromiumLaunch(),
      headless: true,
      ignoreDefaultArgs: this.#options.hasPageCache ? ['--disable-back-forward-cache'] : [],
    })
  }

  /** Closes the browser, calls `change` with the folder of its profile, and launches it again. */
  async restart(change: (profile: string) => Promise<void>): Promise<void> {
    await this.#context?.close()
    await change(this.#profile)
    await this.launch()
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

  /** Creates an origin, with storage and a quota of its own. */
  newOrigin(): TestOrigin {
    const { port } = this.#server.address() as AddressInfo
    return new TestOrigin(this, `http://t${randomUUID().slice(0, 8)}.localhost:${port}`)
  }

  /** Kills the browser with all its processes, as `kill -9` does. */
  async kill(): Promise<void> {
    const browser = this.context.browser()
    if (browser === null) throw new Error('Chromium is not running.')
    const session = await browser.newBrowserCDPSession()
    const { processInfo } = await session.send('SystemInfo.getProcessInfo')
    const main = processInfo.find(({ type }) => type === 'browser')
    if (main === undefined) throw new Error('Chromium has no process.')
    const closed = new Promise<void>((resolve) => this.context.once('close', () => resolve()))
    // Playwright starts it as the leader of a process group.
    process.kill(-main.id, 'SIGKILL')
    await closed
  }

  /** Kills the process of a tab, as a crash does. */
  async crash(tab: Page): Promise<void> {
    const session = await this.context.newCDPSession(tab)
    const crashed = tab.waitForEvent('crash')
    session.send('Page.crash').catch(() => {})
    await crashed
    await tab.close()
  }

  /** Deletes every database, as Chromium does when its files are damaged. Not while it runs. */
  async eraseDatabases(): Promise<void> {
    await rm(join(this.#profile, 'Default', 'IndexedDB'), { recursive: true })
  }

  async closePages(): Promise<void> {
    const [first, ...others] = this.context.pages()
    await first?.goto('about:blank')
    await Promise.all(others.map((page) => page.close()))
  }
}

/** A tab, a frame or a worker. */
export type PageOrWorker = Pick<Page, 'evaluate'>

/** One origin and its tabs. */
export class TestOrigin {
  readonly #chromium: Chromium
  readonly url: string
  #devToolsSession: Promise<CDPSession> | undefined

  constructor(owner: Chromium, url: string) {
    this.#chromium = owner
    this.url = url
  }

  async openTab(path = '/'): Promise<Page> {
    const page = await this.#chromium.context.newPage()
    const { uncaught } = this.#chromium
    page.on('pageerror', (error) => uncaught.push(error.message))
    page.on('console', (message) => {
      if (message.text().startsWith('uncaught: ')) uncaught.push(message.text())
    })
    await page.goto(this.url + path)
    return page
  }

  async openTwoTabs(): Promise<readonly [Page, Page]> {
    return Promise.all([this.openTab(), this.openTab()])
  }

  /** Starts a web worker of a tab. */
  async startWorker(tab: Page): Promise<PageOrWorker> {
    const started = tab.waitForEvent('worker')
    await tab.evaluate((path) => void new Worker(path, { type: 'module' }), HARNESS_PATH)
    const worker = (await started) as PageOrWorker
    await eventually(() => worker.evaluate(() => 'harness' in globalThis)).toBe(true)
    return worker
  }

  /** Clears the site's data, as a user can. */
  async clearData(): Promise<void> {
    const devTools = await this.#devTools()
    await Promise.race([
      devTools.send('Storage.clearDataForOrigin', { origin: this.url, storageTypes: 'all' }),
      new Promise((resolve) => setTimeout(resolve, MAX_CLEARING_MS)),
    ])
  }

  /**
   * Clears the data until `isCleared`, at most twice; resolves to whether it is. When databases are
   * being opened on a busy machine, Chromium may answer that it has cleared a site and has not: the
   * connections stay open, and the data stays.
   */
  async clearDataUntil(isCleared: () => Promise<boolean>): Promise<boolean> {
    for (let attempt = 1; attempt <= 2; attempt++) {
      await this.clearData()
      const deadline = Date.now() + 4000
      while (Date.now() < deadline) {
        if (await isCleared()) return true
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    return false
  }

  /** Limits what the origin may store. Chromium ignores it once the origin has stored something. */
  async setQuota(bytes: number): Promise<void> {
    const devTools = await this.#devTools()
    await devTools.send('Storage.overrideQuotaForOrigin', { origin: this.url, quotaSize: bytes })
  }

  // A quota lasts as long as the session that set it, so the session stays open.
  async #devTools(): Promise<CDPSession> {
    const { context } = this.#chromium
    const page = context.pages()[0] ?? (await context.newPage())
    this.#devToolsSession ??= context.newCDPSession(page)
    return this.#devToolsSession
  }
}

/** Expects what `read` resolves to, within 20 seconds. */
export function eventually<T>(read: () => Promise<T>): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 20_000, interval: 20 })
}

/** Starts a Chromium for the tests of a file. A test with an uncaught error in a page fails. */
export function useChromium(options: ChromiumOptions = {}): Chromium {
  const browser = new Chromium(options)
  beforeAll(() => browser.start())
  afterAll(() => browser.stop())
  afterEach(async () => {
    await browser.closePages()
    expect(browser.uncaught.splice(0)).toEqual([])
  })
  return browser
}
