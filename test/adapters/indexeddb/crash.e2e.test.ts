import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { eventually, type Site, useChromium } from './support/chromium.ts'

const browser = useChromium()

const ENTRIES = 200
const BYTES = 50_000
const ROUNDS = 3

/** Commits one generation after another; `acknowledged` hears of each that resolved. */
async function writeOnAndOn(tab: Page): Promise<{ last: () => number }> {
  let acknowledged = -1
  await tab.exposeFunction('acknowledge', (generation: number) => {
    acknowledged = generation
  })
  await tab.evaluate(
    async ({ entries, bytes }) => {
      await shelf.open()
      const { acknowledge } = globalThis as unknown as {
        acknowledge: (generation: number) => Promise<void>
      }
      const noise = Array.from({ length: entries }, () => shelf.noise(bytes))
      const first = ((await shelf.store.get('k0')) as { generation: number } | undefined)
        ?.generation
      const writing = async (): Promise<void> => {
        for (let generation = (first ?? -1) + 1; ; generation++) {
          await shelf.store.setMany(
            noise.map((data, at) => [`k${at}`, { generation, data }] as const),
          )
          await acknowledge(generation)
        }
      }
      void writing()
    },
    { entries: ENTRIES, bytes: BYTES },
  )
  const before = acknowledged
  await eventually(async () => acknowledged).toBeGreaterThan(before)
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 400))
  return { last: () => acknowledged }
}

/** The generations that are stored, of each how many entries. */
async function stored(site: Site): Promise<[generation: number, count: number][]> {
  const tab = await site.tab()
  const counts = await tab.evaluate(async () => {
    await shelf.open()
    const found = new Map<number, number>()
    for await (const value of shelf.store.values()) {
      const { generation } = value as { generation: number }
      found.set(generation, (found.get(generation) ?? 0) + 1)
    }
    return [...found]
  })
  expect(await tab.evaluate(() => shelf.events)).toEqual([])
  await tab.close()
  return counts
}

describe.each([
  [
    'page',
    async (tab: Page) => {
      const session = await browser.context.newCDPSession(tab)
      const crashed = tab.waitForEvent('crash')
      session.send('Page.crash').catch(() => {})
      await crashed
      await tab.close()
    },
  ],
  ['browser', () => browser.kill().then(() => browser.launch())],
] as const)('a %s that is killed in the midst of a commit', (_, kill) => {
  test('leaves the group whole or absent, and nothing is missing that was acknowledged', async () => {
    const site = browser.site()
    for (let round = 0; round < ROUNDS; round++) {
      const tab = await site.tab()
      const acknowledged = await writeOnAndOn(tab)
      await kill(tab)
      const generations = await stored(site)
      expect(generations).toEqual([[expect.any(Number), ENTRIES]])
      expect(generations[0]?.[0]).toBeGreaterThanOrEqual(acknowledged.last())
    }
  })
})
