import { chromium, type Page } from 'playwright'
import { build, preview } from 'vite'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { chromiumLaunch } from '../../../scripts/chromium.ts'
import { COMPILERS, Consumer, INSTALL_TIMEOUT_MS } from '../support/consumer.ts'

let consumer: Consumer
let folder: string

beforeAll(async () => {
  consumer = await Consumer.start()
  folder = await consumer.install('zustand-page')
})

afterAll(() => consumer.stop())

/** Submits the form for each text, in one tick of the page, once the page shows it. */
async function add(page: Page, texts: readonly string[]): Promise<void> {
  await page.locator('form').waitFor()
  await page.evaluate((given) => {
    for (const text of given) {
      document.querySelector('input')!.value = text
      document.querySelector('form')!.requestSubmit()
    }
  }, texts)
}

async function shows(page: Page, texts: readonly string[]): Promise<void> {
  await vi.waitFor(async () => {
    expect((await page.locator('li').allTextContents()).toSorted()).toEqual(texts)
  }, 20_000)
}

test('the zustand example compiles against the installed types', async () => {
  for (const compiler of COMPILERS) await consumer.compile(folder, compiler)
})

test(
  'the zustand example, built by Vite, keeps what two tabs add, shows it in both, and after a reload',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    await build({ root: folder, logLevel: 'warn' })
    const server = await preview({ root: folder, preview: { host: '127.0.0.1', port: 0 } })
    const browser = await chromium.launch(chromiumLaunch())
    try {
      const url = server.resolvedUrls?.local[0] ?? expect.fail('The server has no address.')
      const context = await browser.newContext()
      const problems: string[] = []
      context.on('weberror', (error) => problems.push(String(error.error())))
      const pages = [await context.newPage(), await context.newPage()] as const
      for (const page of pages) await page.goto(url)
      const [first, second] = pages
      const [a, b] = ['a', 'b'].map((tab) => Array.from({ length: 10 }, (_, i) => `${tab}${i}`))
      await Promise.all([add(first, a!), add(second, b!)])
      for (const page of pages) await shows(page, [...a!, ...b!])
      await first.reload()
      await shows(first, [...a!, ...b!])
      await add(first, ['c'])
      for (const page of pages) await shows(page, [...a!, ...b!, 'c'])
      expect(problems).toEqual([])
    } finally {
      await browser.close()
      await server.close()
    }
  },
)
