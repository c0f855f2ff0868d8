import { rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { decode } from 'botshelf/codec'
import { type BrowserContext, type CDPSession, chromium, type Page } from 'playwright'
import { bundle } from '../bundle.ts'
import { chromiumLaunch } from '../chromium.ts'
import type { CrashEngine, Erasure, LoadedStore } from './engine.ts'
import type { OpenOptions } from './page.ts'
import { TabStore } from './tab-store.ts'

const PAGE = new URL('./page.ts', import.meta.url)
const TAB_COUNT = 2
/** How long a runtime may take to emit `data-lost`. */
const EVENT_TIMEOUT_MS = 5000

export interface ChromiumEngineOptions extends Partial<OpenOptions> {
  /** What `kill` ends: the browser, or the renderer of each tab. Default: `browser`. */
  readonly kills?: 'browser' | 'tabs'
}

interface Tab {
  readonly page: Page
  readonly devTools: CDPSession
  readonly store: TabStore
}

/** IndexedDB in two tabs of a Chromium of its own. The data folder is the browser's profile. */
export class ChromiumEngine implements CrashEngine {
  readonly #kills: 'browser' | 'tabs'
  readonly #options: OpenOptions
  #server: Server | undefined
  #url = ''
  #context: BrowserContext | undefined
  /** The process group of the browser. */
  #groupId = 0
  #tabs: Tab[] = []
  /** The profile in which the control database exists. */
  #profile = ''
  #erasure: Erasure | undefined

  constructor({
    kills = 'browser',
    durability = 'strict',
    paddingBytes = 0,
    acknowledgesEarly = false,
  }: ChromiumEngineOptions = {}) {
    this.#kills = kills
    this.#options = { durability, paddingBytes, acknowledgesEarly }
  }

  async start(folder: string): Promise<void> {
    this.#server ??= await serve()
    this.#url = `http://localhost:${(this.#server.address() as AddressInfo).port}/`
    if (this.#context === undefined) await this.#launch(folder)
    this.#tabs = []
    const { page } = await this.#openTab()
    const hadControl = await page.evaluate(() => crash.openControl())
    const isErased = this.#profile === folder && !hadControl
    this.#profile = folder
    await page.evaluate((options) => crash.open(options), this.#options)
    if (isErased) this.#erasure = { isReported: await reportsDataLoss(page) }
  }

  async openStores(count: number): Promise<LoadedStore[]> {
    while (this.#tabs.length < TAB_COUNT) {
      const { page } = await this.#openTab()
      await page.evaluate((options) => crash.open(options), this.#options)
    }
    const stores = this.#tabs.map(({ store }) => store)
    return Array.from({ length: count }, (_, index) => stores[index % TAB_COUNT] as TabStore)
  }

  async readContents(): Promise<Map<string, unknown>> {
    const text = await this.#tabs[0]?.page.evaluate(() => crash.readContents())
    return new Map(decode(text ?? '') as [string, unknown][])
  }

  async closeStores(): Promise<void> {
    await Promise.all(this.#tabs.map(({ page }) => page.evaluate(() => crash.close())))
  }

  async takeErasure(): Promise<Erasure | undefined> {
    const erasure = this.#erasure
    this.#erasure = undefined
    return erasure
  }

  get processId(): number {
    return -this.#groupId
  }

  async kill(): Promise<void> {
    const context = this.#context
    if (context === undefined) return
    if (this.#kills === 'tabs') {
      await Promise.all(this.#tabs.map(crashTab))
      return
    }
    this.#context = undefined
    const closed = new Promise<void>((resolve) => context.once('close', () => resolve()))
    process.kill(this.processId, 'SIGKILL')
    await closed
  }

  async dispose(): Promise<void> {
    await this.#context?.close()
    this.#context = undefined
    this.#server?.closeAllConnections()
    this.#server?.close()
  }

  async #launch(profile: string): Promise<void> {
    // A killed browser leaves its locks behind.
    for (const name of ['SingletonLock', 'SingletonCookie', 'SingletonSocket']) {
      await rm(join(profile, name), { force: true })
    }
    const launched = await chromium.launchPersistentContext(profile, {
      ...chromiumLaunch(),
      headless: true,
      // Playwright would end this process before it has unmounted the disk.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    })
    this.#context = launched
    const session = await launched.browser()?.newBrowserCDPSession()
    const { processInfo = [] } = (await session?.send('SystemInfo.getProcessInfo')) ?? {}
    const main = processInfo.find(({ type }) => type === 'browser')
    if (main === undefined) throw new Error('Chromium has no process.')
    this.#groupId = main.id
  }

  async #openTab(): Promise<Tab> {
    const context = this.#context as BrowserContext
    const page = await context.newPage()
    const [devTools, store] = await Promise.all([
      context.newCDPSession(page),
      TabStore.create(page),
    ])
    const tab = { page, devTools, store }
    await page.goto(this.#url)
    this.#tabs.push(tab)
    return tab
  }
}

/** Resolves to whether the runtime of a tab emits `data-lost` soon after the opening. */
async function reportsDataLoss(page: Page): Promise<boolean> {
  for (const deadline = Date.now() + EVENT_TIMEOUT_MS; Date.now() < deadline; await sleep(50)) {
    if (await page.evaluate(() => crash.events.includes('data-lost'))) return true
  }
  return false
}

/** Crashes the process of a tab, in this turn of the event loop. */
async function crashTab({ page, devTools }: Tab): Promise<void> {
  const crashed = page.waitForEvent('crash')
  devTools.send('Page.crash').catch(() => {})
  await crashed
  await page.close()
}

async function serve(): Promise<Server> {
  const script = await bundle(PAGE, 'iife')
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<!doctype html><title>crash</title><script>${script}</script>`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
