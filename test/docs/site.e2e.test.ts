import { existsSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ROOT } from '../package/support/run.ts'
import { accessibilityViolations } from '../worker/web/support/accessibility.ts'
import { eventually } from '../worker/web/support/eventually.ts'
import { messageTexts, sendMessage, TestBrowser } from '../worker/web/support/test-browser.ts'
import { type BuiltSite, buildSite } from './support/built-site.ts'

const REPOSITORY = 'https://github.com/botshelf/botshelf/'
const BUILD_TIMEOUT_MS = 300_000
/** A page of each kind: the home page, tables, a wide table, and the API. */
const LOOKED_AT = ['', 'choosing.html', 'trust.html', 'reference/botshelf/keyv.html']
const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, isMobile: true }

let site: BuiltSite
let browser: TestBrowser

beforeAll(async () => {
  ;[site, browser] = await Promise.all([buildSite(), TestBrowser.start()])
}, BUILD_TIMEOUT_MS)
afterEach(() => browser.reset())
afterAll(() => Promise.all([site?.stop(), browser?.stop()]))

async function open(path: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await (await browser.newUser(options)).newPage()
  await page.goto(`${site.url}/${path}`, { waitUntil: 'networkidle' })
  return page
}

async function builtPages(): Promise<string[]> {
  const pages: string[] = []
  for await (const page of glob('**/*.html', { cwd: site.folder })) pages.push(page)
  return pages.toSorted()
}

/** What a page of the built HTML has, by its path. */
interface Contents {
  /** Absolute addresses. */
  readonly links: readonly string[]
  readonly ids: readonly string[]
}

/** Parses the pages as a browser does, without running their scripts. */
async function parsePages(paths: readonly string[]): Promise<ReadonlyMap<string, Contents>> {
  const page = await open('404.html')
  const contents = await page.evaluate(async (names) => {
    const contentsOf: [string, Contents][] = []
    for (const name of names) {
      const text = await (await fetch(`/${name}`)).text()
      const parsed = new DOMParser().parseFromString(text, 'text/html')
      const links = [...parsed.querySelectorAll('[href], [src]')].map(
        (element) => element.getAttribute('href') ?? element.getAttribute('src') ?? '',
      )
      const ids = [...parsed.querySelectorAll('[id]')].map(({ id }) => id)
      const address = new URL(name, location.origin)
      contentsOf.push([
        `/${name}`,
        { links: links.map((link) => new URL(link, address).href), ids },
      ])
    }
    return contentsOf
  }, paths)
  return new Map(contents)
}

/** Returns why a link leads nowhere; `undefined` if it leads to something, or to another project. */
function faultOf(link: string, pages: ReadonlyMap<string, Contents>): string | undefined {
  if (link.startsWith(REPOSITORY)) {
    const [, file] = /^(?:blob|edit)\/main\/([^#]+)/.exec(link.slice(REPOSITORY.length)) ?? []
    return file === undefined || existsSync(join(ROOT, file)) ? undefined : 'no such file'
  }
  const { origin, pathname, hash } = new URL(link)
  if (origin !== site.url) return undefined
  const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname
  if (!existsSync(join(site.folder, decodeURIComponent(path)))) return 'no such page'
  const id = decodeURIComponent(hash.slice(1))
  return id === '' || pages.get(path)?.ids.includes(id) === true ? undefined : 'no such heading'
}

test('every link, image and anchor of the site leads to something that exists', async () => {
  const pages = await parsePages(await builtPages())
  const faults: string[] = []
  let count = 0
  for (const [path, { links }] of pages) {
    for (const link of new Set(links)) {
      count += 1
      const fault = faultOf(link, pages)
      if (fault !== undefined) faults.push(`${path}: ${link}: ${fault}`)
    }
  }
  expect(faults).toEqual([])
  expect(count).toBeGreaterThan(5_000)
})

test('the list of contents has every page', async () => {
  const pages = await parsePages(['start.html'])
  const listed = pages.get('/start.html')?.links.map((link) => new URL(link).pathname.slice(1))
  const expected = (await builtPages()).map((path) => path.replace(/(?<=^|\/)index\.html$/, ''))
  const unlisted = expected.filter((path) => path !== '404.html' && listed?.includes(path) !== true)
  expect(unlisted).toEqual([])
})

test('llms.txt lists pages that exist, and llms-full.txt has their text', async () => {
  const list = await readFile(join(site.folder, 'llms.txt'), 'utf8')
  const links = [...list.matchAll(/\]\((\/[^)]+)\)/g)].map(([, link = '']) => link)
  expect(links).toContain('/start.md')
  expect(links.filter((link) => !existsSync(join(site.folder, link)))).toEqual([])
  expect(await readFile(join(site.folder, 'llms-full.txt'), 'utf8')).toContain('# The store\n')
})

test('the API reference has a page for each sub-path, with doc comments', async () => {
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>
  }
  for (const path of Object.keys(exports)) {
    if (path === './package.json') continue
    expect(
      existsSync(join(site.folder, `reference/${path.replace('.', 'botshelf')}.html`)),
      path,
    ).toBe(true)
  }
  const page = await open('reference/botshelf/keyv.html')
  expect(await page.locator('main').textContent()).toContain('Creates a storage adapter of Keyv 6.')
  await page.getByRole('link', { name: 'Store', exact: true }).last().click()
  await page.waitForURL(/\/reference\/botshelf\.html#api-store$/)
})

test.each<[string, BrowserContextOptions]>([
  ['light', {}],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', PHONE],
])('axe finds no violation, and no page overflows: %s', async (_, options) => {
  for (const path of LOOKED_AT) {
    const page = await open(path, options)
    expect(await accessibilityViolations(page), path).toEqual([])
    const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(width, path).toBeLessThanOrEqual(0)
  }
  expect(browser.errors).toEqual([])
})

test('the keyboard skips to the content, and searches', async () => {
  const page = await open('start.html')
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content')
  await page.keyboard.press('Enter')
  await eventually(() => page.evaluate(() => document.activeElement?.id)).toBe('VPContent')
  await page.keyboard.press('Control+k')
  await page.getByRole('searchbox').fill('rate limiter')
  await page.locator('.result').first().waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(/recipes\.html#/)
})

test('the playground runs the bot in the tab, and says that it has no Worker', async () => {
  const start = await open('start.html')
  await start.getByRole('link', { name: 'Playground' }).click()
  await start.waitForURL(/\/playground\/$/)
  await start.getByText('No Worker was found, so only this tab is available.').waitFor()
  expect(await start.locator('input[name="backend"]:enabled').count()).toBe(1)
  await sendMessage(start, '!learn tea = green')
  await sendMessage(start, '!tea')
  await eventually(() => messageTexts(start)).toContain('green')
  await start.getByRole('link', { name: 'Documentation' }).click()
  await start.waitForURL(`${site.url}/`)
  expect(browser.errors).toEqual([])
})

test('the site serves the playground with the security headers of the demo', async () => {
  const [path, ...headers] = (await readFile(join(site.folder, '_headers'), 'utf8')).split('\n')
  const [, ...expected] = (await readFile(join(ROOT, 'worker/web/_headers'), 'utf8')).split('\n')
  expect(path).toBe('/playground/*')
  expect(headers).toEqual(expected)
})
