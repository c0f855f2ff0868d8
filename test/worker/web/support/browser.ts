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

const WITHIN = 15_000

/** Expects something of what `read` reads, within a time that a busy machine needs. */
export function eventually<T>(read: () => Promise<T> | T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: WITHIN })
}

/** A Chromium for a test file. What its pages complain about is kept, for a test to look at. */
export class TestBrowser {
  /** What the pages said to the console as an error, and what was thrown in them. */
  readonly complaints: string[] = []
  readonly #browser: Browser
  readonly #contexts: BrowserContext[] = []

  static async start(): Promise<TestBrowser> {
    return new TestBrowser(await chromium.launch(chromiumLaunch()))
  }

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  /** Somebody new, whose browser holds nothing yet. */
  async person(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const person = await this.#browser.newContext({ reducedMotion: 'reduce', ...options })
    person.setDefaultTimeout(WITHIN)
    this.#contexts.push(person)
    person.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text())
    })
    person.on('weberror', (error) => this.complaints.push(String(error.error())))
    return person
  }

  /** Opens the page, and waits until it can be talked to and has found its edge, or none. */
  async open(url: string, person?: BrowserContext): Promise<Page> {
    const page = await (person ?? (await this.person())).newPage()
    // From the first, since Chromium may cancel a choice that begins before it is listened for.
    page.on('filechooser', () => {})
    await page.goto(url)
    await isReady(page)
    return page
  }

  /** Ends everybody, and forgets what was complained about. */
  async clear(): Promise<void> {
    await Promise.all(this.#contexts.splice(0).map(end))
    this.complaints.length = 0
  }

  async stop(): Promise<void> {
    await this.#browser.close()
  }
}

/** A page asks on while it is closed; what stands between it and its server is taken away first. */
async function end(person: BrowserContext): Promise<void> {
  const asking = [person, ...person.pages()]
  await Promise.all(asking.map((each) => each.unrouteAll({ behavior: 'ignoreErrors' })))
  await person.close()
}

/** Waits until the inspector shows what there is. */
export async function isReady(page: Page | Frame): Promise<void> {
  await page.locator('#shelf > :not(:text("Looking"))').first().waitFor()
}

/** Says something, and waits until the bot has heard it or failed to. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message').fill(text)
  await page.getByLabel('Message').press('Enter')
  await hasAnswered(page)
}

export async function hasAnswered(page: Page): Promise<void> {
  await page.locator('#form button[aria-disabled="false"]').waitFor()
}

/** What was said, line by line, without who said it. */
export function said(page: Page): Promise<string[]> {
  return page.locator('.line .said').allTextContents()
}

/** What the inspector shows: values by namespace and key. */
export async function shown(page: Page): Promise<Record<string, Record<string, string>>> {
  const all = await page
    .locator('.space')
    .evaluateAll((spaces) =>
      spaces.map((space) => [
        space.querySelector('h3')?.textContent ?? '',
        [...space.querySelectorAll('.entry')].map((entry) => [
          entry.querySelector('.key')?.textContent ?? '',
          entry.querySelector('.value')?.textContent ?? '',
        ]),
      ]),
    )
  return Object.fromEntries(
    all.map(([name, entries]) => [name, Object.fromEntries(entries as [string, string][])]),
  ) as Record<string, Record<string, string>>
}

/** Waits until the inspector shows this value. */
export async function shows(
  page: Page,
  namespace: string,
  key: string,
  value: string | RegExp,
): Promise<void> {
  const expected = typeof value === 'string' ? value : expect.stringMatching(value)
  await eventually(async () => (await shown(page))[namespace]?.[key]).toEqual(expected)
}

/** Goes to another place, and waits until it is shown. */
export async function goTo(page: Page, name: 'IndexedDB' | 'Durable Object' | 'KV'): Promise<void> {
  await page.getByRole('radio', { name: new RegExp(name) }).check()
  await isReady(page)
}

/** What is said of what was done, as soon as it is this. */
export async function statusIs(page: Page, words: RegExp): Promise<void> {
  await eventually(() => page.locator('#status').textContent()).toMatch(words)
}

/**
 * Notes what moves by itself in a person's pages, apart from entries in the inspector. They are as
 * on a slow network: seen for a while before they know whether there is an edge.
 */
export async function watchMoves(person: BrowserContext): Promise<void> {
  await person.addInitScript(() => {
    const moves: string[] = []
    Reflect.set(globalThis, 'moved', moves)
    interface Shift extends PerformanceEntry {
      readonly sources: readonly { readonly node: Node | null }[]
    }
    const observer = new PerformanceObserver((list) => {
      for (const { node } of (list.getEntries() as Shift[]).flatMap(({ sources }) => sources)) {
        const on = node instanceof Element ? node : node?.parentElement
        if (on?.matches('#shelf *') === false) moves.push(on.id || on.className || on.tagName)
      }
    })
    observer.observe({ type: 'layout-shift', buffered: true })
  })
  await person.route('**/api/storages', async (route) => {
    const [seen] = person.pages()
    await seen?.waitForFunction(() => performance.getEntriesByType('paint').length > 0)
    await route.continue()
  })
}

/** What moved in a page since it was loaded. */
export function moved(page: Page): Promise<unknown> {
  return page.evaluate(() => Reflect.get(globalThis, 'moved'))
}
