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

/**
 * A Chromium whose profile is on the disk, since without one IndexedDB keeps everything in memory.
 * Each candidate has an origin, and so a LevelDB, of its own.
 */
class Profile {
  readonly server: PageServer
  readonly #folder: string
  #browser: BrowserContext | undefined
  readonly #pages = new Map<string, Page>()

  static async start(candidates: readonly string[]): Promise<Profile> {
    const server = await PageServer.start(candidates)
    return new Profile(server, await mkdtemp(join(tmpdir(), 'botshelf-bench-')))
  }

  private constructor(server: PageServer, folder: string) {
    this.server = server
    this.#folder = folder
  }

  async page(candidate: string): Promise<Page> {
    this.#browser ??= await chromium.launchPersistentContext(this.#folder, chromiumLaunch())
    const open = this.#pages.get(candidate)
    if (open !== undefined) {
      await open.bringToFront()
      return open
    }
    const page = await this.#browser.newPage()
    this.#pages.set(candidate, page)
    await page.goto(this.server.urlOf(candidate))
    await page.waitForFunction(() => globalThis.ready && globalThis.crossOriginIsolated)
    return page
  }

  /** Ends the browser; its data stays. */
  async end(): Promise<void> {
    this.#pages.clear()
    await this.#browser?.close()
    this.#browser = undefined
  }

  async stop(): Promise<void> {
    await this.end()
    this.server.stop()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** IndexedDB in pages that stay open. */
export async function startChromium(candidates: readonly string[]): Promise<Engine> {
  const profile = await Profile.start(candidates)
  return {
    async sample(workload, candidate, round) {
      const page = await profile.page(candidate)
      return page.evaluate((assignment) => globalThis.sample(assignment), assign(workload, round))
    },
    stop: () => profile.stop(),
  }
}

/** IndexedDB in a browser that was started for the round, and has not touched the origin yet. */
export async function startColdChromium(candidates: readonly string[]): Promise<Engine> {
  const profile = await Profile.start(candidates)
  let browserOf = -1
  return {
    async sample(workload, candidate, round) {
      const assignment = assign(workload, round)
      if (round !== browserOf) {
        await profile.end()
        browserOf = round
        // The first use of any database starts the browser's backend; no candidate is to pay for it.
        await touch(await profile.page('nobody'))
      }
      const page = await profile.page(candidate)
      if (round > 0) return page.evaluate((each) => globalThis.sample(each), assignment)
      await page.evaluate((each) => globalThis.store(each), assignment)
      return { ms: 0 } satisfies Sample
    },
    stop: () => profile.stop(),
  }
}

function assign({ id, task, database = id }: Workload, round: number): Assignment {
  return { database, task, seed: 1 + round * 1000, first: round === 0 }
}

function touch(page: Page): Promise<void> {
  return page.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const request = indexedDB.open('any')
        request.addEventListener('success', () => {
          request.result.close()
          resolve()
        })
        request.addEventListener('error', () => reject(new Error('It cannot be opened.')))
      }),
  )
}
