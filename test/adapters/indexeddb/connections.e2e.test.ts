import { expect, test } from 'vitest'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

test('twenty stores of a namespace share a connection, and the last to close closes it', async () => {
  const [tab, other] = await browser.site().twoTabs()
  const counts = await tab.evaluate(async () => {
    shelf.record()
    const runtime = await shelf.start()
    const stores = await Promise.all(Array.from({ length: 20 }, () => runtime.open('ns')))
    await Promise.all(stores.map((store, at) => store.set(`k${at}`, at)))
    const made = shelf.recording.connections.length
    const last = stores.pop()
    for (const store of stores) await store.close()
    const open = shelf.recording.open()
    await last?.set('last', 1)
    await last?.close()
    return { made, open, left: shelf.recording.open() }
  })
  expect(counts).toEqual({ made: 1, open: 1, left: 0 })
  const deleted = await other.evaluate(() => shelf.raw.delete(shelf.DATABASE))
  expect(deleted).toEqual({ blocked: false })
  expect(await tab.evaluate(() => shelf.events)).toEqual([])
})

test('a store that closes waits for what it accepted', async () => {
  const [tab, other] = await browser.site().twoTabs()
  const settled = await tab.evaluate(async () => {
    shelf.record()
    await shelf.open()
    const order: string[] = []
    const note =
      (name: string): (() => void) =>
      () =>
        void order.push(name)
    void shelf.store.set('a', shelf.noise(1_000_000)).then(note('set'))
    void shelf.store
      .update('b', async () => {
        await new Promise((resolve) => setTimeout(resolve, 50))
        return 1
      })
      .then(note('update'))
    void shelf.store.get('a').then(note('get'))
    await shelf.store.close()
    order.push('closed')
    return { order: order.toSorted(), last: order.at(-1), open: shelf.recording.open() }
  })
  expect(settled).toEqual({
    order: ['closed', 'get', 'set', 'update'],
    last: 'closed',
    open: 0,
  })
  expect(await other.evaluate(() => shelf.raw.keys(shelf.DATABASE))).toEqual(['a', 'b'])
})

test('a runtime that closes while it opens leaves no connection', async () => {
  const [tab, other] = await browser.site().twoTabs()
  const result = await tab.evaluate(async () => {
    shelf.record()
    const runtime = await shelf.start()
    const opening = shelf.failure(runtime.open('ns'))
    await runtime.close()
    return { opening: await opening, open: shelf.recording.open() }
  })
  expect(result).toMatchObject({ opening: { code: 'STORE_NOT_OPEN' }, open: 0 })
  const deleted = await other.evaluate(() => shelf.raw.delete(shelf.DATABASE))
  expect(deleted).toEqual({ blocked: false })
})

test('opened and closed again and again, at once and one after another, nothing stays open', async () => {
  const tab = await browser.site().tab()
  const open = await tab.evaluate(async () => {
    shelf.record()
    const runtime = await shelf.start()
    const use = async (at: number): Promise<void> => {
      const store = await runtime.open('ns')
      await store.update('n', (n = 0) => (n as number) + 1)
      if (at % 3 === 0) await new Promise((resolve) => setTimeout(resolve))
      await store.close()
    }
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 5 }, (_, at) => use(at)))
    }
    return shelf.recording.open()
  })
  expect(open).toBe(0)
  const count = await tab.evaluate(async () => {
    await shelf.open()
    return shelf.store.get('n')
  })
  expect(count).toBe(50)
})

test('a namespace more does not disturb the others', async () => {
  const [tab, other] = await browser.site().twoTabs()
  await tab.evaluate(async () => {
    shelf.record()
    await shelf.open()
    await shelf.store.set('a', 1)
  })
  await other.evaluate(async () => {
    await shelf.open({ namespace: 'ns2' })
    await shelf.store.set('b', 1)
    await shelf.store.clear()
  })
  expect(await tab.evaluate(() => shelf.keys())).toEqual(['a'])
  expect(await tab.evaluate(() => shelf.recording.connections.length)).toBe(1)
  expect(await tab.evaluate(() => shelf.events)).toEqual([])
})
