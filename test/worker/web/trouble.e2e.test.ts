import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { eventually, isReady, said, say, shown, shows, statusIs } from './support/browser.ts'
import { useStaticPage } from './support/static-page.ts'

const site = useStaticPage()

test('works from a folder of any web server, and says that there is no edge', async () => {
  const page = await site.browser.open(site.url)
  await page.getByText('No edge answers: served without its Worker, this page has none.').waitFor()
  for (const name of [/Durable Object/, /KV/]) {
    expect(await page.getByRole('radio', { name }).isDisabled()).toBe(true)
  }
  await say(page, 'bob++')
  await page.getByRole('button', { name: 'Replay' }).click()
  await statusIs(page, /heard/)
  // The question whether there is an edge is all that is answered with "not found".
  expect(site.browser.complaints).toEqual([expect.stringContaining('404')])
})

test('what got into the page all the same does not run', async () => {
  const page = await (await site.browser.person()).newPage()
  const owned = "document.title = 'owned'"
  await page.route(site.url, async (route) => {
    const response = await route.fetch()
    const injected = `<script>${owned}</script><img src="x.png" onerror="${owned}"></body>`
    await route.fulfill({ response, body: (await response.text()).replace('</body>', injected) })
  })
  await page.goto(site.url)
  await isReady(page)
  await eventually(() =>
    site.browser.complaints.filter((text) => text.includes('inline')),
  ).toHaveLength(2)
  expect(await page.title()).toBe('botshelf: a bot that remembers')
  const markup = page.evaluate(() => void (document.body.innerHTML = '<b>owned</b>'))
  await expect(markup).rejects.toThrow('TrustedHTML')
})

test('where storage is denied the page says so, and keeps nothing in secret', async () => {
  const page = await (await site.browser.person()).newPage()
  await page.goto(site.framed)
  const frame = page.frames()[1]
  if (frame === undefined) throw new Error('There is no frame.')
  await isReady(frame)
  const sentence = /^This browser does not let the page keep anything/
  await frame.getByRole('alert').getByText(sentence).waitFor()
  await frame.getByText('This conversation is on this screen only').waitFor()
  await frame.getByRole('button', { name: 'Dismiss' }).click()
  await frame.getByLabel('Message').fill('bob++')
  await frame.getByLabel('Message').press('Enter')
  await frame.getByRole('alert').getByText(sentence).waitFor()
  expect(await frame.locator('.line').allTextContents()).toEqual(['guest, not heardbob++'])
})

test('where the room is full the page says so, and what was kept is intact', async () => {
  const page = await (await site.browser.person()).newPage()
  const devtools = await page.context().newCDPSession(page)
  const { origin } = new URL(site.url)
  // Chromium minds it for sites that it has not seen yet.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 150_000 })
  await page.goto(site.url)
  await isReady(page)
  await say(page, '!learn tea = green')
  const full = page
    .getByRole('alert')
    .getByText('The room that this browser gives the page is full')
  for (let times = 0; times < 50 && !(await full.isVisible()); times++) {
    await say(page, `!learn more = ${times}${'x'.repeat(4000)}`)
  }
  await full.waitFor()
  expect(await page.locator('.line.failed').count()).toBe(1)
  expect((await shown(page))['Factoids']?.['tea']).toContain('green')
  await devtools.send('Storage.overrideQuotaForOrigin', { origin })
  await page.getByLabel('Message').fill('')
  await say(page, '!tea')
  expect((await said(page)).at(-1)).toBe('green')
})

test('when another tab clears what the site keeps, the page says so and begins anew', async () => {
  const page = await site.browser.open(site.url)
  await say(page, 'bob++')
  const other = await page.context().newPage()
  await other.goto(site.framed)
  const devtools = await other.context().newCDPSession(other)
  const { origin } = new URL(site.url)
  await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' })
  await page.getByRole('alert').getByText('What this tab kept has been cleared').waitFor()
  await eventually(() => said(page)).toEqual([])
  await eventually(async () => (await shown(page))['Karma'] ?? {}).toEqual({})
  await say(page, 'bob++')
  await shows(page, 'Karma', 'bob', '1')
})

test('what a newer version wrote is left alone, and the page says to load it again', async () => {
  const person = await site.browser.person()
  const page = await person.newPage()
  await page.goto(site.framed)
  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open('bot/Karma', 99)
        opening.addEventListener('success', () => resolve(opening.result.close()))
        opening.addEventListener('error', () => reject(opening.error))
      }),
  )
  const late = await site.browser.open(site.url, person)
  await late.getByRole('alert').getByText('A newer version of this page has been here').waitFor()
})

/** Puts something into the karma of bob that nobody can read. */
async function damage(page: Page): Promise<void> {
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

test('what cannot be read is said, and not shown as missing', async () => {
  const person = await site.browser.person()
  const page = await site.browser.open(site.url, person)
  await say(page, 'bob++')
  await damage(page)
  await say(page, 'bob++')
  await page.getByRole('alert').getByText('cannot be read').waitFor()
})

test('a namespace that cannot be read is named, and hides no other', async () => {
  const person = await site.browser.person()
  const page = await site.browser.open(site.url, person)
  await say(page, 'bob++')
  await say(page, '!learn tea = green')
  await damage(page)
  await page.reload()
  await shows(page, 'Factoids', 'tea', /green/)
  await page
    .locator('#stale')
    .getByText(/^What is in “Karma” cannot be read/)
    .waitFor()
  expect(await page.locator('#stale').textContent()).not.toContain('may be old')
  expect((await shown(page))['Karma']).toBeUndefined()
  await say(page, '!learn tea = black')
  await shows(page, 'Factoids', 'tea', /black/)
  await page.getByRole('button', { name: 'Back up' }).click()
  await statusIs(page, /^What is in “Karma” cannot be read; the others can still be seen\./)
  await page.evaluate(() => void indexedDB.deleteDatabase('bot/Karma'))
  await eventually(() => page.locator('#stale').textContent()).toBe('')
})

test('another tab that holds the storage is named, and nothing waits for ever', async () => {
  const person = await site.browser.person()
  const holder = await person.newPage()
  await holder.goto(site.framed)
  // A page of an older version that does not let go when it is asked to.
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
  const page = await person.newPage()
  await page.goto(site.url)
  await page.getByRole('alert').getByText('Another tab of this page holds the storage').waitFor()
  await holder.close()
  await say(page, 'bob++')
  expect((await said(page)).at(-1)).toBe('bob has 1 karma.')
  await shows(page, 'Karma', 'bob', '1')
})

test('the browser’s answer to "Keep my data" is said as it is', async () => {
  for (const [granted, sentence] of [
    [true, /^The browser keeps what is here/],
    [false, /^The browser promises nothing/],
  ] as const) {
    const person = await site.browser.person()
    await person.addInitScript((answer) => {
      Object.defineProperty(navigator.storage, 'persist', { value: async () => answer })
    }, granted)
    const page = await site.browser.open(site.url, person)
    await page.getByRole('button', { name: 'Keep my data' }).click()
    await statusIs(page, sentence)
  }
})
