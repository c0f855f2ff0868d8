import type { BrowserContext, BrowserContextOptions, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../support/test-servers.ts'
import { faults } from './support/axe.ts'
import {
  goTo,
  hasAnswered,
  isReady,
  moved,
  said,
  say,
  shows,
  statusIs,
  TestBrowser,
  watchMoves,
} from './support/browser.ts'
import { choose, download, entries } from './support/files.ts'

const MUTE = 'This bot does not talk over the web; the one in this tab does.'
const servers = new TestServers()
let server: DevServer
let browser: TestBrowser

beforeAll(async () => {
  ;[server, browser] = await Promise.all([
    servers.start(await servers.folder(), TOKEN, { variables: { WEB_CHAT: 'off' } }),
    TestBrowser.start(),
  ])
}, STARTS_WITHIN)
afterEach(() => browser.clear())
afterAll(() => Promise.all([servers.stop(), browser?.stop()]), 20_000)

async function open(token: string = TOKEN, person?: BrowserContext): Promise<Page> {
  const hash = token === '' ? '' : `#token=${encodeURIComponent(token)}`
  const page = await browser.open(`${server.url}/${hash}`, person)
  await page.locator('input[value="DurableObject"]:enabled').waitFor()
  return page
}

/** The controls of the conversation that can be used. */
function usable(page: Page): Promise<string[]> {
  return page
    .locator('#chat :is(input, button):enabled:visible')
    .evaluateAll((controls) => controls.map(({ id, textContent }) => id || textContent))
}

function isMute(page: Page): Promise<void> {
  return page.getByRole('status').getByText(MUTE).waitFor()
}

test('the page says that the bot does not talk there, and in the tab it does', async () => {
  const page = await open()
  await say(page, 'bob++')
  const all = await usable(page)
  expect(all).toEqual(expect.arrayContaining(['user', 'text', 'Send', 'bob++']))
  for (const place of ['Durable Object', 'KV'] as const) {
    await goTo(page, place)
    await isMute(page)
    await page.locator('#shelf').getByText('Nothing is kept here yet.', { exact: true }).waitFor()
    expect(await usable(page)).toEqual([])
    expect(await page.locator('#silence').textContent()).toBe(MUTE)
    expect(await said(page)).toEqual([])
  }
  await goTo(page, 'IndexedDB')
  expect(await usable(page)).toEqual(all)
  expect(await page.getByText(MUTE).count()).toBe(0)
  await say(page, 'bob++')
  expect((await said(page)).at(-1)).toBe('bob has 2 karma.')
  expect(browser.complaints).toEqual([])
})

test('the operator sees what the edge keeps, backs it up and restores it', async () => {
  const page = await open()
  await say(page, 'zoe++')
  const backup = await download(page)
  await goTo(page, 'Durable Object')
  await choose(page, backup.name, backup.text)
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await statusIs(page, /^Restored into the Durable Object/)
  await shows(page, 'Karma', 'zoe', '1')
  const there = await download(page)
  expect(entries(there.text)).toEqual(entries(backup.text))
  await page.getByRole('button', { name: 'Replay' }).click()
  await statusIs(page, /heard 2\d\d events of #ubuntu in the Durable Object/)
})

test('without the token the page says both: nothing is shown, and nothing can be said', async () => {
  const page = await open('')
  await goTo(page, 'Durable Object')
  await isMute(page)
  expect(await page.locator('#shelf').textContent()).toContain('operator alone')
})

test.each<[string, BrowserContextOptions]>([
  ['light', {}],
  ['on a phone in the dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
])('axe finds nothing wrong: %s', async (_, options) => {
  const page = await open(TOKEN, await browser.person(options))
  await goTo(page, 'Durable Object')
  await isMute(page)
  expect(await faults(page)).toEqual([])
})

test('the keyboard passes by what cannot be used, and comes to all the rest', async () => {
  const page = await open()
  await page.getByRole('radio', { name: /This tab/ }).focus()
  await page.keyboard.press('ArrowRight')
  await isMute(page)
  await isReady(page)
  const reached: string[] = []
  for (let times = 0; times < 12; times++) {
    await page.keyboard.press('Tab')
    reached.push(
      await page.evaluate(() => {
        const on = document.activeElement
        return on?.closest('#try, #form') === null ? on.id : 'what cannot be used'
      }),
    )
  }
  expect(reached).toEqual(expect.arrayContaining(['log', 'backup', 'restore-open', 'find']))
  expect(reached).not.toContain('what cannot be used')
  await page.getByRole('radio', { name: /Durable Object/ }).focus()
  await page.keyboard.press('ArrowLeft')
  await say(page, 'bob++')
  expect((await said(page)).at(-1)).toBe('bob has 1 karma.')
})

test.each([1280, 390])('nothing moves, at a width of %i pixels', async (width) => {
  const person = await browser.person({ viewport: { width, height: 844 } })
  await person.addInitScript(() => localStorage.setItem('bot.place', 'DurableObject'))
  await watchMoves(person)
  const page = await open(TOKEN, person)
  await isMute(page)
  expect(await moved(page)).toEqual([])
})

test('a page that was loaded before says so when it finds out', async () => {
  const person = await browser.person()
  await person.route('**/api/storages', async (route) => {
    const response = await route.fetch()
    const edge = (await response.json()) as object
    await route.fulfill({ response, json: { ...edge, chat: true } })
  })
  const page = await open(TOKEN, person)
  await goTo(page, 'Durable Object')
  await page.getByLabel('Message').fill('hello')
  await page.getByLabel('Message').press('Enter')
  await page.getByRole('alert').getByText(MUTE).waitFor()
  await hasAnswered(page)
  expect(await page.locator('.line.failed .who').textContent()).toBe('guest, not heard')
  expect(await page.getByLabel('Message').inputValue()).toBe('hello')
})
