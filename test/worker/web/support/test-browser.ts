import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Frame,
  type Page,
} from 'playwright'
import { expect } from 'vitest'
import { chromiumLaunch } from '../../../../scripts/chromium.ts'
import { eventually } from './eventually.ts'

const TIMEOUT_MS = 15_000

/** A Chromium for one test file. It collects the errors of its pages. */
export class TestBrowser {
  /** What pages logged to the console as an error, and what was thrown in them. */
  readonly errors: string[] = []
  readonly #browser: Browser
  readonly #users: BrowserContext[] = []

  static async start(): Promise<TestBrowser> {
    return new TestBrowser(await chromium.launch(chromiumLaunch()))
  }

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  /** Creates a user: a browser context with empty storage. */
  async newUser(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const user = await this.#browser.newContext({ reducedMotion: 'reduce', ...options })
    user.setDefaultTimeout(TIMEOUT_MS)
    this.#users.push(user)
    user.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text())
    })
    user.on('weberror', (error) => this.errors.push(String(error.error())))
    return user
  }

  /** Opens the page, for a new user by default, and waits until it shows the stored data. */
  async open(url: string, user?: BrowserContext): Promise<Page> {
    const page = await (user ?? (await this.newUser())).newPage()
    // Chromium may cancel a file dialog that opens before Playwright listens for it.
    page.on('filechooser', () => {})
    await page.goto(url)
    await waitUntilReady(page)
    return page
  }

  /** Closes all pages and forgets their errors. */
  async reset(): Promise<void> {
    await Promise.all(this.#users.splice(0).map(closeUser))
    this.errors.length = 0
  }

  async stop(): Promise<void> {
    await this.#browser.close()
  }
}

/** Removes the routes first, because a page may still send requests while it closes. */
async function closeUser(user: BrowserContext): Promise<void> {
  const routed = [user, ...user.pages()]
  await Promise.all(routed.map((each) => each.unrouteAll({ behavior: 'ignoreErrors' })))
  await user.close()
}

/** Waits until the inspector shows the stored data, or why it does not. */
export async function waitUntilReady(page: Page | Frame): Promise<void> {
  const loaded = '#stored-data > :not(:text-matches("^(Loading|Connecting)"))'
  await page.locator(loaded).first().waitFor()
}

/** Sends a message, and waits until the bot has answered or sending has failed. */
export async function sendMessage(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message').fill(text)
  await page.getByLabel('Message').press('Enter')
  await waitForAnswer(page)
}

/** Waits until no message is being sent. */
export async function waitForAnswer(page: Page): Promise<void> {
  await page.locator('#form button[aria-disabled="false"]').waitFor()
}

/** Reads the messages of the conversation, without their authors. */
export function messageTexts(page: Page): Promise<string[]> {
  return page.locator('.line:not(.note) .text').allTextContents()
}

/** Reads the values that the inspector shows, by namespace and key. */
export async function storedData(page: Page): Promise<Record<string, Record<string, string>>> {
  const namespaces = await page
    .locator('.namespace')
    .evaluateAll((elements) =>
      elements.map((element) => [
        element.querySelector('h3')?.textContent ?? '',
        [...element.querySelectorAll('.entry')].map((entry) => [
          entry.querySelector('.key')?.textContent ?? '',
          entry.querySelector('.value')?.textContent ?? '',
        ]),
      ]),
    )
  return Object.fromEntries(
    namespaces.map(([name, entries]) => [name, Object.fromEntries(entries as [string, string][])]),
  ) as Record<string, Record<string, string>>
}

/** Waits until the inspector shows this value. */
export async function waitForValue(
  page: Page,
  namespace: string,
  key: string,
  value: string | RegExp,
): Promise<void> {
  const expected = typeof value === 'string' ? value : expect.stringMatching(value)
  await eventually(async () => (await storedData(page))[namespace]?.[key]).toEqual(expected)
}

/** Chooses a backend, and waits until its stored data is shown. */
export async function chooseBackend(
  page: Page,
  name: 'IndexedDB' | 'Durable Object' | 'KV',
): Promise<void> {
  await page.getByRole('radio', { name: new RegExp(name) }).check()
  await waitUntilReady(page)
}

/** Waits until the status line over the stored data matches. */
export async function waitForStatus(page: Page, pattern: RegExp): Promise<void> {
  await eventually(() => page.locator('#status').textContent()).toMatch(pattern)
}

/**
 * Records layout shifts in the pages of a user, except those of entries in the inspector. As on a
 * slow network, the pages paint before they know whether there is a Worker.
 */
export async function recordLayoutShifts(user: BrowserContext): Promise<void> {
  await user.addInitScript(() => {
    const shifts: string[] = []
    Reflect.set(globalThis, 'layoutShifts', shifts)
    interface LayoutShift extends PerformanceEntry {
      readonly sources: readonly { readonly node: Node | null }[]
    }
    const observer = new PerformanceObserver((list) => {
      const sources = (list.getEntries() as LayoutShift[]).flatMap((shift) => shift.sources)
      for (const { node } of sources) {
        const element = node instanceof Element ? node : node?.parentElement
        if (element?.matches('#stored-data *') === false) {
          shifts.push(element.id || element.className || element.tagName)
        }
      }
    })
    observer.observe({ type: 'layout-shift', buffered: true })
  })
  await user.route('**/api/storages', async (route) => {
    const [page] = user.pages()
    await page?.waitForFunction(() => performance.getEntriesByType('paint').length > 0)
    await route.continue()
  })
}

/** Reads what has shifted in a page since it was loaded; see {@link recordLayoutShifts}. */
export function layoutShifts(page: Page): Promise<unknown> {
  return page.evaluate(() => Reflect.get(globalThis, 'layoutShifts'))
}
