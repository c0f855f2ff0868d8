import type { Locator, Page } from 'playwright'
import { writeBackup } from '../../../src/backup/file.ts'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../support/test-servers.ts'
import {
  eventually,
  goTo,
  hasAnswered,
  isReady,
  moved,
  said,
  say,
  shown,
  shows,
  statusIs,
  TestBrowser,
  watchMoves,
} from './support/browser.ts'
import { stored } from '../support/stored.ts'
import { choose, download, entries } from './support/files.ts'

const EMPTY =
  '{"botshelf":"backup","format":1,"at":"2026-01-02T12:00:00.000Z","storage":"Memory"}\n{"entries":0}\n'
const servers = new TestServers()
let server: DevServer
let browser: TestBrowser

beforeAll(async () => {
  ;[server, browser] = await Promise.all([
    servers.start(await servers.folder(), TOKEN),
    TestBrowser.start(),
  ])
}, STARTS_WITHIN)
afterEach(() => browser.clear())
afterAll(() => Promise.all([servers.stop(), browser?.stop()]), 20_000)

async function open(token: string | undefined = TOKEN): Promise<Page> {
  const hash = token === '' ? '' : `#token=${encodeURIComponent(token)}`
  const page = await browser.open(`${server.url}/${hash}`)
  await page.locator('input[value="DurableObject"]:enabled').waitFor()
  return page
}

test('the tab and the two storages at the edge know nothing of each other', async () => {
  const page = await open()
  await say(page, '!learn apart = in the tab')
  await goTo(page, 'Durable Object')
  await say(page, '!apart')
  await say(page, '!learn apart = in the object')
  await goTo(page, 'KV')
  await say(page, '!apart')
  expect(await said(page)).toEqual(['!apart', expect.stringContaining('I do not know')])
  await goTo(page, 'Durable Object')
  await shows(page, 'Factoids', 'apart', /text: "in the object"/)
  await eventually(() => said(page)).toHaveLength(4)
  await page.reload()
  await isReady(page)
  expect(await page.getByRole('radio', { name: /Durable Object/ }).isChecked()).toBe(true)
  await eventually(() => said(page)).toHaveLength(4)
  await goTo(page, 'IndexedDB')
  await shows(page, 'Factoids', 'apart', /text: "in the tab"/)
  await eventually(() => said(page)).toHaveLength(2)
  expect(browser.complaints).toEqual([])
})

test('a backup of the tab, restored at the edge, is there entry by entry', async () => {
  const page = await open()
  await say(page, '!learn restored = from the tab')
  await say(page, 'ann++')
  await page.getByRole('button', { name: 'Replay' }).click()
  await statusIs(page, /heard/)
  const backup = await download(page)
  for (const place of ['Durable Object', 'KV'] as const) {
    await goTo(page, place)
    await choose(page, backup.name, backup.text)
    await page.getByRole('radio', { name: /Replace/ }).check()
    await page
      .getByRole('button', { name: /^Restore/ })
      .last()
      .click()
    await statusIs(page, /^Restored into (KV|the Durable Object)/)
    const there = await download(page)
    expect(there.name).toMatch(/^bot-(DurableObject|CloudflareKV)-/)
    expect(entries(there.text)).toEqual(entries(backup.text))
  }
  await say(page, '!restored')
  await eventually(() => said(page)).toContain('from the tab')
}, 60_000)

test('a restore shows how far it is; torn off by the network it says so, and can go on', async () => {
  const page = await open()
  await goTo(page, 'KV')
  const karma = new Map(Array.from({ length: 450 }, (_, index) => [`nick${index}`, stored(index)]))
  const contents = new Map([['Karma', karma]])
  const at = '2026-01-02T12:00:00.000Z'
  let calls = 0
  let seen: number | undefined
  await page.route('**/admin/restore?*', async (route) => {
    calls++
    // It is tried four times.
    if (calls < 2 || calls > 5) return route.continue()
    const bar = page.getByRole('dialog').getByRole('progressbar')
    seen = await bar.evaluate((progress: HTMLProgressElement) => progress.value)
    return route.abort()
  })
  await choose(page, 'many.jsonl', writeBackup({ at, storage: 'Memory', contents }))
  await page.getByRole('button', { name: 'Restore', exact: true }).press('Enter')
  await page.getByText(/cannot be reached.* 200 of 450 changes were made/).waitFor()
  expect(seen).toBeCloseTo(200 / 450)
  await eventually(() => page.locator('#restore tbody tr').last().innerText()).toMatch(
    /250\s+0\s+200/,
  )
  expect(calls).toBe(5)
  await page.keyboard.press('Enter')
  await statusIs(page, /^Restored into KV: 250 new, 0 changed, 200 as before\.$/)
  await shows(page, 'Karma', 'nick199', '199')
  await page.getByText('… and 2').waitFor()
})

test('after a restore that failed nothing begins before it is known what is there', async () => {
  const page = await open()
  await goTo(page, 'Durable Object')
  const contents = new Map([['Again', new Map([['k', stored(1)]])]])
  const at = '2026-01-02T12:00:00.000Z'
  await choose(page, 'one.jsonl', writeBackup({ at, storage: 'Memory', contents }))
  const go = page.getByRole('button', { name: 'Restore', exact: true })
  await go.waitFor()
  let restores = 0
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  await page.route('**/admin/restore?*', async (route) => {
    restores++
    await page.route('**/admin/storage?*', async (reading) => {
      await held
      await reading.continue()
    })
    await route.fulfill({ status: 400, body: '{"error":"It will not do."}' })
  })
  await go.click()
  await eventually(() => restores).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(await go.isDisabled()).toBe(true)
  release()
  await page.getByText('It will not do. 0 of 1 changes were made').waitFor()
  await eventually(() => go.isEnabled()).toBe(true)
  expect(restores).toBe(1)
  await page.unrouteAll()
  await go.click()
  await statusIs(page, /^Restored into the Durable Object: 1 new/)
})

test('an edge that never answers holds up no other conversation, nor this one for ever', async () => {
  const person = await browser.person()
  await person.addInitScript(() => {
    const timeout = AbortSignal.timeout.bind(AbortSignal)
    AbortSignal.timeout = (time) => timeout(time === 30_000 ? 4_000 : time)
  })
  const page = await browser.open(`${server.url}/#token=${encodeURIComponent(TOKEN)}`, person)
  await goTo(page, 'Durable Object')
  const text = page.getByLabel('Message')
  await page.route('**/api/messages', () => {}, { times: 1 })
  await text.fill('first')
  await text.press('Enter')
  await goTo(page, 'IndexedDB')
  await say(page, 'ann++')
  expect((await said(page)).at(-1)).toBe('ann has 1 karma.')
  await goTo(page, 'Durable Object')
  await say(page, '!learn held = up')
  expect((await said(page)).at(-1)).toBe('I will remember "held".')
  await page.route('**/api/messages', () => {}, { times: 1 })
  await text.fill('last')
  await text.press('Enter')
  // The first one ends, and does not let another pass the last.
  await page.getByRole('alert').getByText('did not answer in time').waitFor()
  expect(await page.locator('#form button').getAttribute('aria-disabled')).toBe('true')
  await hasAnswered(page)
  expect(await page.locator('.line.failed .said').allTextContents()).toContain('last')
  expect(await text.inputValue()).toBe('last')
})

function radio(page: Page, name: RegExp): Locator {
  return page.getByRole('radio', { name })
}

test('who was at the edge last time waits for it three seconds, and need not', async () => {
  const person = await browser.person()
  const first = await browser.open(`${server.url}/#token=${encodeURIComponent(TOKEN)}`, person)
  await goTo(first, 'Durable Object')
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  await person.route('**/api/storages', async (route) => {
    await held
    await route.continue()
  })
  const [impatient, patient] = [await person.newPage(), await person.newPage()]
  await patient.goto(first.url())
  await patient.locator('#shelf').getByText('Looking for the edge').waitFor()
  expect(await patient.getByRole('button', { name: 'Back up' }).isDisabled()).toBe(true)
  await patient.getByRole('button', { name: '!help' }).click()
  expect(await patient.getByLabel('Message').inputValue()).toBe('!help')
  await isReady(patient)
  expect(await radio(patient, /This tab/).isChecked()).toBe(true)
  expect(await said(patient)).toEqual([])
  await patient.getByRole('button', { name: 'Send' }).click()
  await eventually(() => said(patient)).toHaveLength(2)
  await impatient.goto(first.url())
  await radio(impatient, /This tab/).check({ timeout: 2_000 })
  await say(impatient, 'ann++')
  expect((await said(impatient)).at(-1)).toBe('ann has 1 karma.')
  release()
  for (const page of [impatient, patient]) {
    await eventually(() => radio(page, /Durable Object/).isEnabled()).toBe(true)
    expect(await radio(page, /This tab/).isChecked()).toBe(true)
  }
})

test.each([1280, 390])(
  'nothing moves for who was at the edge last time, at a width of %i pixels',
  async (width) => {
    const person = await browser.person({ viewport: { width, height: 844 } })
    await person.addInitScript(() => localStorage.setItem('bot.place', 'DurableObject'))
    await watchMoves(person)
    const page = await browser.open(`${server.url}/#token=${encodeURIComponent(TOKEN)}`, person)
    expect(await radio(page, /Durable Object/).isChecked()).toBe(true)
    await say(page, 'ann++')
    expect(await moved(page)).toEqual([])
  },
)

test('the namespaces of the edge are read one after another', async () => {
  const page = await open()
  let now = 0
  let most = 0
  let all = 0
  await page.route('**/admin/storage?*', async (route) => {
    all++
    most = Math.max(most, ++now)
    const response = await route.fetch()
    now--
    await route.fulfill({ response })
  })
  await goTo(page, 'Durable Object')
  await say(page, 'ann++')
  await say(page, '!learn one = after another')
  await eventually(() => all).toBeGreaterThan(6)
  expect(most).toBe(1)
})

test('a replay at the edge shows its counts', async () => {
  const page = await open()
  await goTo(page, 'Durable Object')
  await choose(page, 'empty.jsonl', EMPTY)
  await page.getByRole('radio', { name: /Replace/ }).check()
  const go = page.getByRole('button', { name: /^Restore/ }).last()
  const sentence = await page.locator('#restore-status').textContent()
  if (sentence?.includes('nothing to do') === true) await page.keyboard.press('Escape')
  else await go.click()
  await eventually(() => page.getByRole('dialog').count()).toBe(0)
  await page.getByRole('button', { name: 'Replay' }).click()
  await statusIs(page, /heard 2\d\d events of #ubuntu in the Durable Object/)
  await eventually(() => page.locator('#talkers li').first().textContent()).toBe('simplyubuntu 22')
})

test('what somebody else changes at the edge shows by itself', async () => {
  const page = await open()
  await goTo(page, 'Durable Object')
  const other = await open('')
  await goTo(other, 'Durable Object')
  await say(other, '!learn quiet = refreshed')
  await shows(page, 'Factoids', 'quiet', /refreshed/)
})

test('without the token one can talk at the edge, and the page says why nothing else', async () => {
  const page = await open('')
  await goTo(page, 'Durable Object')
  await say(page, '!learn public = yes')
  expect((await said(page)).at(-1)).toBe('I will remember "public".')
  expect(await page.locator('#shelf').textContent()).toMatch(/operator alone.*npm start prints/)
  for (const name of ['Back up', 'Restore …', 'Replay']) {
    expect(await page.getByRole('button', { name }).isDisabled()).toBe(true)
  }
  expect(await shown(page)).toEqual({})
  expect(await page.getByText('You are its admin').isVisible()).toBe(false)
  await goTo(page, 'IndexedDB')
  expect(await page.getByRole('button', { name: 'Back up' }).isEnabled()).toBe(true)
  expect(browser.complaints).toEqual([])
})

test('where storage is denied the edge still answers, and the page says what is not kept', async () => {
  const person = await browser.person()
  await person.addInitScript(() => {
    const denied = new DOMException('denied', 'SecurityError')
    IDBFactory.prototype.open = () => {
      throw denied
    }
    Object.defineProperty(globalThis, 'localStorage', {
      get() {
        throw denied
      },
    })
  })
  const page = await browser.open(server.url, person)
  await page.getByRole('alert').getByText('does not let the page keep anything').waitFor()
  await goTo(page, 'Durable Object')
  expect(await page.getByRole('alert').textContent()).toBe('')
  await say(page, '!learn denied = no matter')
  await say(page, '!denied')
  expect((await said(page)).at(-1)).toBe('no matter')
  await page.getByText('This conversation is on this screen only').waitFor()
  expect(browser.complaints).toEqual([])
})

test('a token of another run is said to be one', async () => {
  const page = await open('stale')
  await goTo(page, 'Durable Object')
  await page.locator('#shelf', { hasText: 'not that of the bot that runs now' }).waitFor()
  expect(await page.getByText('You are its admin').isVisible()).toBe(false)
  expect(await page.getByRole('button', { name: 'Back up' }).isDisabled()).toBe(true)
  await say(page, 'hello')
  await page.getByRole('alert').filter({ hasText: 'not that of the bot' }).waitFor()
  expect(await page.locator('.line.failed .who').textContent()).toBe('guest, not heard')
  expect(await page.getByLabel('Message').inputValue()).toBe('hello')
})

test('the longest message that can be typed is heard at the edge, whatever is in it', async () => {
  const page = await open()
  await goTo(page, 'Durable Object')
  const text = '!learn long = '.padEnd(4096, '\u0001é')
  await page.getByLabel('Message').fill(text)
  await page.keyboard.press('Enter')
  await page.getByText('I will remember "long".').waitFor()
})

test('an edge that cannot be reached is said to be, and what is shown to be old', async () => {
  const page = await open()
  await goTo(page, 'Durable Object')
  await say(page, '!learn old = shown')
  await shows(page, 'Factoids', 'old', /shown/)
  await page.context().setOffline(true)
  await say(page, 'hello?')
  await page.getByRole('alert').filter({ hasText: 'cannot be reached' }).waitFor()
  await page.getByText('What is shown may be old').waitFor()
  await shows(page, 'Factoids', 'old', /shown/)
  await page.context().setOffline(false)
  await eventually(() => page.locator('#stale').textContent()).toBe('')
})

test('the policy that is sent is the one in the page, which lets in nothing from elsewhere', async () => {
  const page = await open()
  const policy = await page.locator('meta[http-equiv]').getAttribute('content')
  const { headers } = await fetch(server.url)
  expect(headers.get('content-security-policy')).toBe(`${policy}; frame-ancestors 'none'`)
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/)
  expect(policy).not.toMatch(/unsafe|[*]|https?:|data:|blob:/)
})
