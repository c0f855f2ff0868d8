import { expect, test } from 'vitest'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

test.each([true, false])(
  'the browser is asked to keep the data only by persist(), and its answer is %s',
  async (answer) => {
    const tab = await browser.site().tab()
    const asked = await tab.evaluate(async (answered) => {
      let count = 0
      shelf.replace(StorageManager.prototype, 'persist', () => async () => {
        count++
        return answered
      })
      await shelf.open()
      await shelf.store.set('a', 1)
      await shelf.runtime.close()
      return { before: count, answer: await shelf.persist(), after: count }
    }, answer)
    expect(asked).toEqual({ before: 0, answer, after: 1 })
  },
)

test('a worker, which cannot ask, gets what the page would see', async () => {
  const site = browser.site()
  const tab = await site.tab()
  const worker = await site.worker(tab)
  const persisted = await tab.evaluate(() => navigator.storage.persisted())
  expect(await worker.evaluate(() => shelf.persist())).toBe(persisted)
})

test('a page without a storage manager is told that nothing is promised', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(() => void Object.defineProperty(navigator, 'storage', { value: undefined }))
  expect(await tab.evaluate(() => shelf.persist())).toBe(false)
})
