import { join } from 'node:path'
import { chromium } from 'playwright'
import { build, preview } from 'vite'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { chromiumLaunch } from '../../scripts/chromium.ts'
import { COMPILERS, Consumer, INSTALL_TIMEOUT_MS } from './support/consumer.ts'

let consumer: Consumer
let folder: string

beforeAll(async () => {
  consumer = await Consumer.start()
  folder = await consumer.install('page')
})

afterAll(() => consumer.stop())

test('the page example compiles against the installed types', async () => {
  for (const compiler of COMPILERS) await consumer.compile(folder, compiler)
})

test(
  'the page example, built by Vite, counts visits in all tabs, and a second page follows the count',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    await build({
      root: folder,
      logLevel: 'warn',
      build: {
        rolldownOptions: { input: ['index.html', 'watch.html'].map((page) => join(folder, page)) },
      },
    })
    const server = await preview({ root: folder, preview: { host: '127.0.0.1', port: 0 } })
    const browser = await chromium.launch(chromiumLaunch())
    try {
      const url = server.resolvedUrls?.local[0] ?? expect.fail('The server has no address.')
      const context = await browser.newContext()
      const problems: string[] = []
      context.on('weberror', (error) => problems.push(String(error.error())))
      context.on('console', (message) => {
        // The example has no icon, which Chromium requests all the same.
        if (message.location().url.endsWith('/favicon.ico')) return
        if (['error', 'warning'].includes(message.type())) problems.push(message.text())
      })
      const open = async (
        path: string,
      ): Promise<{ shows(text: string): Promise<void>; reload(): Promise<unknown> }> => {
        const page = await context.newPage()
        await page.goto(new URL(path, url).href)
        return {
          shows: (text) =>
            vi.waitFor(async () => expect(await page.textContent('body')).toBe(text), 20_000),
          reload: () => page.reload(),
        }
      }
      const watching = await open('watch.html')
      await watching.shows('Visits so far: 0')
      const first = await open('')
      await first.shows('Visit 1')
      await watching.shows('Visits so far: 1')
      await first.reload()
      await first.shows('Visit 2')
      const second = await open('')
      await second.shows('Visit 3')
      await watching.shows('Visits so far: 3')
      await watching.reload()
      await watching.shows('Visits so far: 3')
      expect(problems).toEqual([])
    } finally {
      await browser.close()
      await server.close()
    }
  },
)
