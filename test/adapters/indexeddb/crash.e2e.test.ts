import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { eventually, type TestOrigin, useChromium } from './support/chromium.ts'

const browser = useChromium()

const ENTRY_COUNT = 200
const ENTRY_BYTES = 50_000
const ROUNDS = 3

/** Writes one generation of entries after another, without end. */
async function startWriting(tab: Page): Promise<{ lastAcknowledged: () => number }> {
  let acknowledged = -1
  await tab.exposeFunction('acknowledge', (generation: number) => {
    acknowledged = generation
  })
  await tab.evaluate(
    async ({ entries, bytes }) => {
      await harness.openStore()
      const { acknowledge } = globalThis as unknown as {
        acknowledge: (generation: number) => Promise<void>
      }
      const payloads = Array.from({ length: entries }, () => harness.randomBytes(bytes))
      const stored = (await harness.store.get('k0')) as { generation: number } | undefined
      const writeForever = async (): Promise<void> => {
        for (let generation = (stored?.generation ?? -1) + 1; ; generation++) {
          await harness.store.setMany(
            payloads.map((data, index) => [`k${index}`, { generation, data }] as const),
          )
          await acknowledge(generation)
        }
      }
      void writeForever()
    },
    { entries: ENTRY_COUNT, bytes: ENTRY_BYTES },
  )
  const before = acknowledged
  await eventually(async () => acknowledged).toBeGreaterThan(before)
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 400))
  return { lastAcknowledged: () => acknowledged }
}

/** Reads which generations are stored, and how many entries of each. */
async function storedGenerations(
  origin: TestOrigin,
): Promise<[generation: number, count: number][]> {
  const tab = await origin.openTab()
  const counts = await tab.evaluate(async () => {
    await harness.openStore()
    const found = new Map<number, number>()
    for await (const value of harness.store.values()) {
      const { generation } = value as { generation: number }
      found.set(generation, (found.get(generation) ?? 0) + 1)
    }
    return [...found]
  })
  expect(await tab.evaluate(() => harness.events)).toEqual([])
  await tab.close()
  return counts
}

describe.each([
  ['page', (tab: Page) => browser.crash(tab)],
  ['browser', () => browser.kill().then(() => browser.launch())],
] as const)('a %s that is killed during a commit', (_, kill) => {
  test('leaves each group of changes whole or absent, and loses no write that resolved', async () => {
    const origin = browser.newOrigin()
    for (let round = 0; round < ROUNDS; round++) {
      const tab = await origin.openTab()
      const { lastAcknowledged } = await startWriting(tab)
      await kill(tab)
      const generations = await storedGenerations(origin)
      expect(generations).toEqual([[expect.any(Number), ENTRY_COUNT]])
      expect(generations[0]?.[0]).toBeGreaterThanOrEqual(lastAcknowledged())
    }
  })
})
