import { expect, test } from 'vitest'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

test.each([true, false])(
  'persist() asks the browser and resolves to its answer %s; nothing else asks',
  async (answer) => {
    const tab = await browser.newOrigin().openTab()
    const asked = await tab.evaluate(async (answered) => {
      let calls = 0
      harness.replaceMethod(StorageManager.prototype, 'persist', () => async () => {
        calls++
        return answered
      })
      await harness.openStore()
      await harness.store.set('a', 1)
      await harness.runtime.close()
      return { before: calls, answer: await harness.persist(), after: calls }
    }, answer)
    expect(asked).toEqual({ before: 0, answer, after: 1 })
  },
)

test('persist() in a worker, which cannot ask, resolves to the state that a page sees', async () => {
  const origin = browser.newOrigin()
  const tab = await origin.openTab()
  const worker = await origin.startWorker(tab)
  const persisted = await tab.evaluate(() => navigator.storage.persisted())
  expect(await worker.evaluate(() => harness.persist())).toBe(persisted)
})

test('persist() resolves to false in a page without a storage manager', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(() => void Object.defineProperty(navigator, 'storage', { value: undefined }))
  expect(await tab.evaluate(() => harness.persist())).toBe(false)
})
