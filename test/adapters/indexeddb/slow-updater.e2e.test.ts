import { expect, test } from 'vitest'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

test('a slow updater gets through although another tab writes its key all the time', async () => {
  const [slow, fast] = await browser.newOrigin().openTwoTabs()
  for (const tab of [slow, fast]) await tab.evaluate(() => harness.openStore())
  await fast.evaluate(() => {
    void (async () => {
      for (let index = 0; harness.saved['stop'] !== true; index++)
        await harness.store.set('k', index)
      harness.saved['stopped'] = true
    })()
  })
  const calls = await slow.evaluate(async () => {
    let count = 0
    for (let round = 0; round < 5; round++) {
      await harness.store.update('k', async () => {
        count++
        await new Promise((resolve) => setTimeout(resolve, 200))
        return 'updated'
      })
    }
    return count
  })
  // Each update may lose one race before the other tab takes turns too.
  expect(calls).toBeLessThanOrEqual(10)
  await fast.evaluate(() => void (harness.saved['stop'] = true))
  await expect.poll(() => fast.evaluate(() => harness.saved['stopped'])).toBe(true)
})
