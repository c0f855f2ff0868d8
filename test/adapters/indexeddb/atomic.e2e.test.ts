import { expect, test } from 'vitest'
import { type Realm, useChromium } from './support/chromium.ts'

const browser = useChromium()

test('update: two tabs, 250 times each at once, with a function that waits: none is lost', async () => {
  const tabs = await browser.site().twoTabs()
  await Promise.all(tabs.map((tab) => tab.evaluate(() => shelf.open())))
  await Promise.all(
    tabs.map((tab) =>
      tab.evaluate(() =>
        Promise.all(
          Array.from({ length: 250 }, () =>
            shelf.store.update('n', async (n = 0) => {
              await Promise.resolve()
              return (n as number) + 1
            }),
          ),
        ),
      ),
    ),
  )
  for (const tab of tabs) expect(await tab.evaluate(() => shelf.store.get('n'))).toBe(500)
})

test('update: two tabs and a worker, one call after another, with a function that waits for a task', async () => {
  const site = browser.site()
  const [first, second] = await site.twoTabs()
  const all: Realm[] = [first, second, await site.worker(first)]
  await Promise.all(
    all.map((one) =>
      one.evaluate(async () => {
        await shelf.open()
        for (let i = 0; i < 50; i++) {
          await shelf.store.update('n', async (n = 0) => {
            await new Promise((resolve) => setTimeout(resolve))
            return (n as number) + 1
          })
        }
      }),
    ),
  )
  expect(await second.evaluate(() => shelf.store.get('n'))).toBe(150)
})

test('mutable: what two tabs and a worker put on one list is all there, each once', async () => {
  const site = browser.site()
  const [first, second] = await site.twoTabs()
  const all: Realm[] = [first, second, await site.worker(first)]
  const lists = all.map((one, index) =>
    one.evaluate(async (own) => {
      await shelf.open()
      const ids = Array.from({ length: 100 }, (_, at) => `${own}-${at}`)
      await Promise.all(
        ids.map((id) => shelf.store.mutable('ids', (list) => (list as string[]).push(id), [])),
      )
      return ids
    }, index),
  )
  const wanted = (await Promise.all(lists)).flat()
  const found = (await second.evaluate(() => shelf.store.get('ids'))) as string[]
  expect(wanted).toHaveLength(300)
  expect(found.toSorted()).toEqual(wanted.toSorted())
})

test('pop: of two tabs, exactly one gets a value', async () => {
  const tabs = await browser.site().twoTabs()
  const keys = Array.from({ length: 100 }, (_, at) => `k${at}`)
  await Promise.all(tabs.map((tab) => tab.evaluate(() => shelf.open())))
  await tabs[0].evaluate((all) => shelf.store.setMany(all.map((key) => [key, key] as const)), keys)
  const got = await Promise.all(
    tabs.map((tab) =>
      tab.evaluate((all) => Promise.all(all.map((key) => shelf.store.pop(key))), keys),
    ),
  )
  const values = got.flat().filter((value) => typeof value === 'string')
  expect(values.toSorted()).toEqual(keys.toSorted())
  expect(await tabs[1].evaluate(() => shelf.store.size())).toBe(0)
})

test('getOrInsert: two tabs agree', async () => {
  const tabs = await browser.site().twoTabs()
  await Promise.all(tabs.map((tab) => tab.evaluate(() => shelf.open())))
  const [a, b] = await Promise.all(
    tabs.map((tab, own) =>
      tab.evaluate(
        (mine) =>
          Promise.all(
            Array.from({ length: 100 }, (_, at) => shelf.store.getOrInsert(`k${at}`, mine)),
          ),
        own,
      ),
    ),
  )
  expect(a).toHaveLength(100)
  expect(a).toEqual(b)
})
