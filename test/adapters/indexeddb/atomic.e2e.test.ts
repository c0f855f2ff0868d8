import { expect, test } from 'vitest'
import { type PageOrWorker, useChromium } from './support/chromium.ts'

const browser = useChromium()

test('update(): 250 concurrent increments in each of two tabs add up to 500', async () => {
  const tabs = await browser.newOrigin().openTwoTabs()
  await Promise.all(tabs.map((tab) => tab.evaluate(() => harness.openStore())))
  await Promise.all(
    tabs.map((tab) =>
      tab.evaluate(() =>
        Promise.all(
          Array.from({ length: 250 }, () =>
            harness.store.update('n', async (n = 0) => {
              await Promise.resolve()
              return (n as number) + 1
            }),
          ),
        ),
      ),
    ),
  )
  for (const tab of tabs) expect(await tab.evaluate(() => harness.store.get('n'))).toBe(500)
})

test('update(): increments of two tabs and a worker add up, with an updater that waits for a timer', async () => {
  const origin = browser.newOrigin()
  const [first, second] = await origin.openTwoTabs()
  const contexts: PageOrWorker[] = [first, second, await origin.startWorker(first)]
  await Promise.all(
    contexts.map((context) =>
      context.evaluate(async () => {
        await harness.openStore()
        for (let call = 0; call < 50; call++) {
          await harness.store.update('n', async (n = 0) => {
            await new Promise((resolve) => setTimeout(resolve))
            return (n as number) + 1
          })
        }
      }),
    ),
  )
  expect(await second.evaluate(() => harness.store.get('n'))).toBe(150)
})

test('mutable(): items that two tabs and a worker add to one list are all there, each once', async () => {
  const origin = browser.newOrigin()
  const [first, second] = await origin.openTwoTabs()
  const contexts: PageOrWorker[] = [first, second, await origin.startWorker(first)]
  const lists = contexts.map((context, contextIndex) =>
    context.evaluate(async (writer) => {
      await harness.openStore()
      const ids = Array.from({ length: 100 }, (_, index) => `${writer}-${index}`)
      await Promise.all(
        ids.map((id) => harness.store.mutable('ids', (list) => (list as string[]).push(id), [])),
      )
      return ids
    }, contextIndex),
  )
  const expected = (await Promise.all(lists)).flat()
  const found = (await second.evaluate(() => harness.store.get('ids'))) as string[]
  expect(expected).toHaveLength(300)
  expect(found.toSorted()).toEqual(expected.toSorted())
})

test('pop(): exactly one of two tabs gets each value', async () => {
  const tabs = await browser.newOrigin().openTwoTabs()
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`)
  await Promise.all(tabs.map((tab) => tab.evaluate(() => harness.openStore())))
  await tabs[0].evaluate(
    (all) => harness.store.setMany(all.map((key) => [key, key] as const)),
    keys,
  )
  const got = await Promise.all(
    tabs.map((tab) =>
      tab.evaluate((all) => Promise.all(all.map((key) => harness.store.pop(key))), keys),
    ),
  )
  const values = got.flat().filter((value) => typeof value === 'string')
  expect(values.toSorted()).toEqual(keys.toSorted())
  expect(await tabs[1].evaluate(() => harness.store.size())).toBe(0)
})

test('getOrInsert(): two tabs get the same value for each key', async () => {
  const tabs = await browser.newOrigin().openTwoTabs()
  await Promise.all(tabs.map((tab) => tab.evaluate(() => harness.openStore())))
  const [a, b] = await Promise.all(
    tabs.map((tab, tabIndex) =>
      tab.evaluate(
        (value) =>
          Promise.all(
            Array.from({ length: 100 }, (_, index) =>
              harness.store.getOrInsert(`k${index}`, value),
            ),
          ),
        tabIndex,
      ),
    ),
  )
  expect(a).toHaveLength(100)
  expect(a).toEqual(b)
})
