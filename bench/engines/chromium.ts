import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright'
import { chromiumLaunch } from '../../scripts/chromium.ts'
import type { Assignment } from '../indexeddb/page.ts'
import type { Sample } from '../task.ts'
import type { Workload } from '../workload.ts'
import type { Engine } from './engine.ts'
import { PageServer } from './page-server.ts'

/** A page without a candidate. */
const EMPTY_PAGE = 'empty'

/**
 * A Chromium with its profile on the disk, because IndexedDB stays in memory without one. Each
 * candidate has its own origin, and so its own LevelDB.
 */
class Browser {
  readonly #server: PageServer
  readonly #profile: string
  readonly #pages = new Map<string, Page>()
  #context: BrowserContext | undefined

  static async create(candidates: readonly string[]): Promise<Browser> {
    const server = await PageServer.start(candidates)
    return new Browser(server, await mkdtemp(join(tmpdir(), 'botshelf-bench-')))
  }

  private constructor(server: PageServer, profile: string) {
    this.#server = server
    this.#profile = profile
  }

  /** Opens a tab with the page of a candidate, and starts the browser if it is not running. */
  async page(candidate: string, tab = 0): Promise<Page> {
    this.#context ??= await chromium.launchPersistentContext(this.#profile, chromiumLaunch())
    const id = `${candidate} ${tab}`
    const existing = this.#pages.get(id)
    if (existing !== undefined) {
      await existing.bringToFront()
      return existing
    }
    const page = await this.#context.newPage()
    this.#pages.set(id, page)
    await page.goto(this.#server.urlOf(candidate))
    await page.waitForFunction(() => globalThis.ready && globalThis.crossOriginIsolated)
    return page
  }

  /** Opens a new page of a candidate, and closes the previous one. */
  async freshPage(candidate: string): Promise<Page> {
    const id = `${candidate} 0`
    const previous = this.#pages.get(id)
    this.#pages.delete(id)
    const page = await this.page(candidate)
    await previous?.close()
    return page
  }

  /** Closes the browser and keeps its data. */
  async close(): Promise<void> {
    this.#pages.clear()
    await this.#context?.close()
    this.#context = undefined
  }

  async stop(): Promise<void> {
    await this.close()
    this.#server.stop()
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Runs IndexedDB in pages that stay open. */
export async function startChromium(candidates: readonly string[]): Promise<Engine> {
  const browser = await Browser.create(candidates)
  return {
    async sample(workload, candidate, round) {
      const page = await browser.page(candidate)
      return page.evaluate(
        (assignment) => globalThis.sample(assignment),
        createAssignment(workload, round),
      )
    },
    stop: () => browser.stop(),
  }
}

/** Runs IndexedDB in a browser that is restarted for each round. */
export async function startColdChromium(candidates: readonly string[]): Promise<Engine> {
  const browser = await Browser.create(candidates)
  let startedRound = -1
  return {
    async sample(workload, candidate, round) {
      const assignment = createAssignment(workload, round)
      if (round !== startedRound) {
        await browser.close()
        startedRound = round
        // The first open in a browser starts its IndexedDB backend, which no candidate should pay.
        await openAnyDatabase(await browser.page(EMPTY_PAGE))
      }
      const page = await browser.page(candidate)
      if (round > 0) return page.evaluate((each) => globalThis.sample(each), assignment)
      await page.evaluate((each) => globalThis.store(each), assignment)
      return { ms: 0 } satisfies Sample
    },
    stop: () => browser.stop(),
  }
}

/** Runs the updates of a task once per page: in code that the engine has not optimized. */
export async function startFreshPages(candidates: readonly string[]): Promise<Engine> {
  const browser = await Browser.create(candidates)
  const counts = new Map<string, number>()
  return {
    async sample(workload, candidate, round) {
      const assignment = createAssignment(workload, round)
      if (round === 0) {
        const page = await browser.page(candidate)
        await page.evaluate((each) => globalThis.store(each), assignment)
      }
      const page = await browser.freshPage(candidate)
      const { updates, ...sample } = await page.evaluate(
        (each) => globalThis.updateFirst(each),
        assignment,
      )
      const before = counts.get(candidate) ?? 0
      counts.set(candidate, updates)
      return { ...sample, lost: before + workload.task.count - updates }
    },
    stop: () => browser.stop(),
  }
}

/** How many tabs share the work of a candidate. */
const TABS: Readonly<Record<string, number>> = { 'botshelf-two-tabs': 2 }

/** Runs IndexedDB in several tabs of one origin, which share the operations of a task. */
export async function startTabs(candidates: readonly string[]): Promise<Engine> {
  const browser = await Browser.create(candidates)
  return {
    async sample(workload, candidate, round) {
      const assignment = createAssignment(workload, round)
      const tabs = TABS[candidate] ?? 1
      const count = workload.task.count / tabs
      const share = { ...assignment, task: { ...assignment.task, count } }
      const pages: Page[] = []
      for (let tab = 0; tab < tabs; tab++) pages.push(await browser.page(candidate, tab))
      const [first] = pages as [Page, ...Page[]]
      if (round === 0) await first.evaluate((each) => globalThis.store(each), assignment)
      const countUpdates = (): Promise<number> =>
        first.evaluate((each) => globalThis.countUpdates(each), assignment)
      const before = await countUpdates()
      const start = performance.now()
      const conflicts = await Promise.all(
        pages.map((page) => page.evaluate((each) => globalThis.updateSlowly(each), share)),
      )
      const ms = performance.now() - start
      const rejected = conflicts.reduce((sum, each) => sum + each, 0)
      const applied = workload.task.count - rejected
      return { ms, conflicts: rejected, lost: before + applied - (await countUpdates()) }
    },
    stop: () => browser.stop(),
  }
}

function createAssignment({ id, task, database = id }: Workload, round: number): Assignment {
  return { database, task, seed: 1 + round * 1000, isFirst: round === 0 }
}

function openAnyDatabase(page: Page): Promise<void> {
  return page.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const request = indexedDB.open('any')
        request.addEventListener('success', () => {
          request.result.close()
          resolve()
        })
        request.addEventListener('error', () =>
          reject(request.error ?? new Error('Opening a database failed.')),
        )
      }),
  )
}
