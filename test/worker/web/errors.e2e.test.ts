import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import {
  waitUntilReady,
  messageTexts,
  sendMessage,
  storedData,
  waitForValue,
  waitForStatus,
} from './support/test-browser.ts'
import { useStaticPage } from './support/static-page.ts'

const site = useStaticPage()

test('the page works in a folder of any web server, and says that there is no Worker', async () => {
  const page = await site.browser.open(site.url)
  await page.getByText('No Worker was found, so only this tab is available.').waitFor()
  for (const name of [/Durable Object/, /KV/]) {
    expect(await page.getByRole('radio', { name }).isDisabled()).toBe(true)
  }
  await sendMessage(page, 'bob++')
  await page.getByRole('button', { name: 'Replay' }).click()
  await waitForStatus(page, /^Replayed/)
  // Only the request that looks for the Worker fails.
  expect(site.browser.errors).toEqual([expect.stringContaining('404')])
})

test('the content security policy blocks injected scripts and markup', async () => {
  const page = await (await site.browser.newUser()).newPage()
  const script = "document.title = 'owned'"
  await page.route(site.url, async (route) => {
    const response = await route.fetch()
    const injected = `<script>${script}</script><img src="x.png" onerror="${script}"></body>`
    await route.fulfill({ response, body: (await response.text()).replace('</body>', injected) })
  })
  await page.goto(site.url)
  await waitUntilReady(page)
  await eventually(() =>
    site.browser.errors.filter((text) => text.includes('inline')),
  ).toHaveLength(2)
  expect(await page.title()).toBe('botshelf: a bot that remembers')
  const settingMarkup = page.evaluate(() => void (document.body.innerHTML = '<b>owned</b>'))
  await expect(settingMarkup).rejects.toThrow('TrustedHTML')
})

test('where the browser denies storage, the page says so and the bot stores nothing', async () => {
  const page = await (await site.browser.newUser()).newPage()
  await page.goto(site.frameUrl)
  const frame = page.frames()[1]
  if (frame === undefined) throw new Error('The page must have a frame.')
  await waitUntilReady(frame)
  const message = /^This browser does not let the page store data/
  await frame.getByRole('alert').getByText(message).waitFor()
  await frame.getByText('The browser does not store this conversation').waitFor()
  await frame.getByRole('button', { name: 'Dismiss' }).click()
  await frame.getByLabel('Message').fill('bob++')
  await frame.getByLabel('Message').press('Enter')
  await frame.getByRole('alert').getByText(message).waitFor()
  expect(await frame.locator('.line').allTextContents()).toEqual(['guest (failed)bob++'])
})

test('when the quota is exceeded, the page says so and keeps what was stored', async () => {
  const page = await (await site.browser.newUser()).newPage()
  const devtools = await page.context().newCDPSession(page)
  const { origin } = new URL(site.url)
  // Chromium applies the quota only to an origin that it has not opened yet.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 150_000 })
  await page.goto(site.url)
  await waitUntilReady(page)
  await sendMessage(page, '!learn tea = green')
  const full = page
    .getByRole('alert')
    .getByText('The storage space that this browser gives the page is full')
  for (let count = 0; count < 50 && !(await full.isVisible()); count++) {
    await sendMessage(page, `!learn more = ${count}${'x'.repeat(4000)}`)
  }
  await full.waitFor()
  expect(await page.locator('.line.failed').count()).toBe(1)
  expect((await storedData(page))['Factoids']?.['tea']).toContain('green')
  await devtools.send('Storage.overrideQuotaForOrigin', { origin })
  await page.getByLabel('Message').fill('')
  await sendMessage(page, '!tea')
  expect((await messageTexts(page)).at(-1)).toBe('green')
})

test('when another tab clears the site’s data, the page says so and the bot starts empty', async () => {
  const page = await site.browser.open(site.url)
  await sendMessage(page, 'bob++')
  const other = await page.context().newPage()
  await other.goto(site.frameUrl)
  const devtools = await other.context().newCDPSession(other)
  const { origin } = new URL(site.url)
  await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' })
  await page.getByRole('alert').getByText('The data in this tab was cleared').waitFor()
  await eventually(() => messageTexts(page)).toEqual([])
  await eventually(async () => (await storedData(page))['Karma'] ?? {}).toEqual({})
  await sendMessage(page, 'bob++')
  await waitForValue(page, 'Karma', 'bob', '1')
})

test('the page does not touch data of a newer version, and says to reload', async () => {
  const user = await site.browser.newUser()
  const page = await user.newPage()
  await page.goto(site.frameUrl)
  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open('bot/Karma', 99)
        opening.addEventListener('success', () => resolve(opening.result.close()))
        opening.addEventListener('error', () => reject(opening.error))
      }),
  )
  const older = await site.browser.open(site.url, user)
  await older
    .getByRole('alert')
    .getByText('A newer version of this page wrote the stored data')
    .waitFor()
})

/** Overwrites the stored karma of bob with something that is not an entry. */
async function corruptKarma(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const opening = indexedDB.open('bot/Karma')
        opening.onsuccess = () => {
          const transaction = opening.result.transaction('entries', 'readwrite')
          transaction.objectStore('entries').put('nonsense', 'bob')
          transaction.oncomplete = () => {
            opening.result.close()
            resolve()
          }
        }
      }),
  )
}

test('an entry that cannot be read is reported, and not treated as missing', async () => {
  const user = await site.browser.newUser()
  const page = await site.browser.open(site.url, user)
  await sendMessage(page, 'bob++')
  await corruptKarma(page)
  await sendMessage(page, 'bob++')
  await page.getByRole('alert').getByText('cannot be read').waitFor()
})

test('a namespace that cannot be read is named, and does not hide the others', async () => {
  const user = await site.browser.newUser()
  const page = await site.browser.open(site.url, user)
  await sendMessage(page, 'bob++')
  await sendMessage(page, '!learn tea = green')
  await corruptKarma(page)
  await page.reload()
  await waitForValue(page, 'Factoids', 'tea', /green/)
  await page
    .locator('#sync-error')
    .getByText(/^Namespace “Karma” cannot be read/)
    .waitFor()
  expect(await page.locator('#sync-error').textContent()).not.toContain('may be out of date')
  expect((await storedData(page))['Karma']).toBeUndefined()
  await sendMessage(page, '!learn tea = black')
  await waitForValue(page, 'Factoids', 'tea', /black/)
  await page.getByRole('button', { name: 'Back up' }).click()
  await waitForStatus(
    page,
    /^No backup was made\. Namespace “Karma” cannot be read; the others can\./,
  )
  await page.evaluate(() => void indexedDB.deleteDatabase('bot/Karma'))
  await eventually(() => page.locator('#sync-error').textContent()).toBe('')
})

test('when another tab keeps the storage from answering, the page says what to close, and works once that tab is closed', async () => {
  const user = await site.browser.newUser()
  const holder = await user.newPage()
  await holder.goto(site.frameUrl)
  // Stays open although a deletion asks it to close, as a page of an older version may.
  await holder.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const opening = indexedDB.open('bot/core', 1)
        opening.onsuccess = () => {
          indexedDB.deleteDatabase('bot/core')
          resolve()
        }
      }),
  )
  const page = await user.newPage()
  await page.goto(site.url)
  await page
    .getByRole('alert')
    .getByText('Close or reload the other tabs of this page, then try again.')
    .waitFor()
  await holder.close()
  await sendMessage(page, 'bob++')
  expect((await messageTexts(page)).at(-1)).toBe('bob has 1 karma.')
  await waitForValue(page, 'Karma', 'bob', '1')
})

test('“Protect data” shows whether the browser granted it', async () => {
  for (const [isGranted, message] of [
    [true, /^The browser keeps this data/],
    [false, /^The browser may delete this data/],
  ] as const) {
    const user = await site.browser.newUser()
    await user.addInitScript((answer) => {
      Object.defineProperty(navigator.storage, 'persist', { value: async () => answer })
    }, isGranted)
    const page = await site.browser.open(site.url, user)
    await page.getByRole('button', { name: 'Protect data' }).click()
    await waitForStatus(page, message)
  }
})
