import { expect, test } from 'vitest'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

test('twenty stores of a namespace share one connection, and the last one to close closes it', async () => {
  const [tab, other] = await browser.newOrigin().openTwoTabs()
  const counts = await tab.evaluate(async () => {
    harness.startRecording()
    const runtime = await harness.startRuntime()
    const stores = await Promise.all(Array.from({ length: 20 }, () => runtime.open('ns')))
    await Promise.all(stores.map((store, index) => store.set(`k${index}`, index)))
    const opened = harness.recording.connections.length
    const last = stores.pop()
    for (const store of stores) await store.close()
    const open = harness.recording.openCount()
    await last?.set('last', 1)
    await last?.close()
    return { opened, open, left: harness.recording.openCount() }
  })
  expect(counts).toEqual({ opened: 1, open: 1, left: 0 })
  const deleted = await other.evaluate(() => harness.deleteDatabase())
  expect(deleted).toEqual({ blocked: false })
  expect(await tab.evaluate(() => harness.events)).toEqual([])
})

test('close() of a store waits for the calls that were made before it', async () => {
  const [tab, other] = await browser.newOrigin().openTwoTabs()
  const settled = await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStore()
    const order: string[] = []
    const recordAs =
      (name: string): (() => void) =>
      () =>
        void order.push(name)
    void harness.store.set('a', harness.randomBytes(1_000_000)).then(recordAs('set'))
    void harness.store
      .update('b', async () => {
        await new Promise((resolve) => setTimeout(resolve, 50))
        return 1
      })
      .then(recordAs('update'))
    void harness.store.get('a').then(recordAs('get'))
    await harness.store.close()
    order.push('closed')
    return { order: order.toSorted(), last: order.at(-1), open: harness.recording.openCount() }
  })
  expect(settled).toEqual({
    order: ['closed', 'get', 'set', 'update'],
    last: 'closed',
    open: 0,
  })
  expect(await other.evaluate(() => harness.storedKeys())).toEqual(['a', 'b'])
})

test('a runtime that is closed while it opens a namespace leaves no connection open', async () => {
  const [tab, other] = await browser.newOrigin().openTwoTabs()
  const result = await tab.evaluate(async () => {
    harness.startRecording()
    const runtime = await harness.startRuntime()
    const opening = harness.errorOf(runtime.open('ns'))
    await runtime.close()
    return { opening: await opening, open: harness.recording.openCount() }
  })
  expect(result).toMatchObject({ opening: { code: 'STORE_NOT_OPEN' }, open: 0 })
  const deleted = await other.evaluate(() => harness.deleteDatabase())
  expect(deleted).toEqual({ blocked: false })
})

test('opening and closing a namespace many times, concurrently and in turn, leaves no connection open', async () => {
  const tab = await browser.newOrigin().openTab()
  const open = await tab.evaluate(async () => {
    harness.startRecording()
    const runtime = await harness.startRuntime()
    const use = async (index: number): Promise<void> => {
      const store = await runtime.open('ns')
      await store.update('n', (n = 0) => (n as number) + 1)
      if (index % 3 === 0) await new Promise((resolve) => setTimeout(resolve))
      await store.close()
    }
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 5 }, (_, index) => use(index)))
    }
    return harness.recording.openCount()
  })
  expect(open).toBe(0)
  const count = await tab.evaluate(async () => {
    await harness.openStore()
    return harness.store.get('n')
  })
  expect(count).toBe(50)
})

test('close() leaves no timer and no channel', async () => {
  const tab = await browser.newOrigin().openTab()
  const left = await tab.evaluate(async () => {
    const clock = harness.testing.testClock()
    let channels = 0
    globalThis.BroadcastChannel = class extends BroadcastChannel {
      constructor(name: string) {
        super(name)
        channels++
      }

      override close(): void {
        super.close()
        channels--
      }
    }
    const work = (async () => {
      const runtimes = [await harness.startRuntime(), await harness.startRuntime()]
      const stores = await Promise.all(runtimes.map((runtime) => runtime.open('ns')))
      await Promise.all(
        stores.map((store) => store.update('n', async (n = 0) => (n as number) + 1)),
      )
      await Promise.all(runtimes.map((runtime) => runtime.close()))
    })()
    await clock.advanceUntil(work)
    return { timers: clock.timerCount, channels }
  })
  expect(left).toEqual({ timers: 0, channels: 0 })
})

test('using one namespace does not affect another', async () => {
  const [tab, other] = await browser.newOrigin().openTwoTabs()
  await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStore()
    await harness.store.set('a', 1)
  })
  await other.evaluate(async () => {
    await harness.openStore({ namespace: 'ns2' })
    await harness.store.set('b', 1)
    await harness.store.clear()
  })
  expect(await tab.evaluate(() => harness.sortedKeys())).toEqual(['a'])
  expect(await tab.evaluate(() => harness.recording.connections.length)).toBe(1)
  expect(await tab.evaluate(() => harness.events)).toEqual([])
})
