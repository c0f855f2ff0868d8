import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { bundle } from '../bundle.ts'
import { chromiumLaunch } from '../chromium.ts'
import type { SoakTarget } from './soak.ts'

const PAGE = new URL('./page.ts', import.meta.url)
// IndexedDB needs an origin. No server is behind it; the route below answers.
const ORIGIN = 'http://soak.localhost'
/** One batch in so many loses its connections and its data, as when a user clears the site's data. */
const BATCHES_PER_CLEARING = 50
/** On a busy machine Chromium may clear a site and not answer. */
const MAX_CLEARING_MS = 5000

/** Runs the load on IndexedDB in a page of Chromium. */
export async function startChromium(): Promise<SoakTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-soak-'))
  const context = await chromium.launchPersistentContext(folder, chromiumLaunch())
  const page = await context.newPage()
  await page.route(`${ORIGIN}/**`, (route) => route.fulfill({ contentType: 'text/html', body: '' }))
  await page.goto(ORIGIN)
  await page.addScriptTag({ content: await bundle(PAGE), type: 'module' })
  await page.waitForFunction(() => 'soak' in globalThis)
  const devTools = await context.newCDPSession(page)
  const clearData = (): Promise<unknown> =>
    Promise.race([
      devTools.send('Storage.clearDataForOrigin', { origin: ORIGIN, storageTypes: 'indexeddb' }),
      new Promise((resolve) => setTimeout(resolve, MAX_CLEARING_MS)),
    ])
  return {
    backend: 'IndexedDB',
    engine: `Chromium ${context.browser()?.version() ?? ''}`,
    async work(seed) {
      const running = page.evaluate((each) => globalThis.soak.work(each), seed)
      if (seed % BATCHES_PER_CLEARING === 0) await clearData()
      return running
    },
    async sample() {
      await devTools.send('HeapProfiler.collectGarbage')
      const { usedSize } = await devTools.send('Runtime.getHeapUsage')
      return { heapBytes: usedSize, ...(await page.evaluate(() => globalThis.soak.count())) }
    },
    close: () => page.evaluate(() => globalThis.soak.close()),
    async stop() {
      await context.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
