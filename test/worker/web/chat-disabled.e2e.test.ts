import type { BrowserContext, BrowserContextOptions, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../support/test-servers.ts'
import { accessibilityViolations } from './support/accessibility.ts'
import {
  chooseBackend,
  waitForAnswer,
  waitUntilReady,
  layoutShifts,
  messageTexts,
  sendMessage,
  waitForValue,
  waitForStatus,
  TestBrowser,
  recordLayoutShifts,
} from './support/test-browser.ts'
import { chooseBackup, downloadBackup, linesWithoutHeader } from './support/backup-files.ts'

const CHAT_DISABLED = 'This bot has web chat turned off. To chat, choose “This tab”.'
const servers = new TestServers()
let server: DevServer
let browser: TestBrowser

beforeAll(async () => {
  ;[server, browser] = await Promise.all([
    servers.start(await servers.folder(), TOKEN, { variables: { WEB_CHAT: 'off' } }),
    TestBrowser.start(),
  ])
}, STARTS_WITHIN)
afterEach(() => browser.reset())
afterAll(() => Promise.all([servers.stop(), browser?.stop()]), 20_000)

async function open(token: string = TOKEN, user?: BrowserContext): Promise<Page> {
  const hash = token === '' ? '' : `#token=${encodeURIComponent(token)}`
  const page = await browser.open(`${server.url}/${hash}`, user)
  await page.locator('input[value="DurableObject"]:enabled').waitFor()
  return page
}

/** Lists the controls of the chat that are enabled and visible. */
function enabledControls(page: Page): Promise<string[]> {
  return page
    .locator('#chat :is(input, button):enabled:visible')
    .evaluateAll((controls) => controls.map(({ id, textContent }) => id || textContent))
}

function waitForChatDisabled(page: Page): Promise<void> {
  return page.getByRole('status').getByText(CHAT_DISABLED).waitFor()
}

test('with web chat off, the page disables the chat of the Worker and says why; the tab’s chat works', async () => {
  const page = await open()
  await sendMessage(page, 'bob++')
  const all = await enabledControls(page)
  expect(all).toEqual(expect.arrayContaining(['user', 'message', 'Send', 'bob++']))
  for (const backend of ['Durable Object', 'KV'] as const) {
    await chooseBackend(page, backend)
    await waitForChatDisabled(page)
    await page
      .locator('#stored-data')
      .getByText('Nothing is stored here yet.', { exact: true })
      .waitFor()
    expect(await enabledControls(page)).toEqual([])
    expect(await page.locator('#chat-empty').textContent()).toBe(CHAT_DISABLED)
    expect(await messageTexts(page)).toEqual([])
  }
  await chooseBackend(page, 'IndexedDB')
  expect(await enabledControls(page)).toEqual(all)
  expect(await page.getByText(CHAT_DISABLED).count()).toBe(0)
  await sendMessage(page, 'bob++')
  expect((await messageTexts(page)).at(-1)).toBe('bob has 2 karma.')
  expect(browser.errors).toEqual([])
})

test('with web chat off, the operator still sees, backs up, restores and replays', async () => {
  const page = await open()
  await sendMessage(page, 'zoe++')
  const backup = await downloadBackup(page)
  await chooseBackend(page, 'Durable Object')
  await chooseBackup(page, backup.name, backup.text)
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await waitForStatus(page, /^Restored into the Durable Object/)
  await waitForValue(page, 'Karma', 'zoe', '1')
  const restored = await downloadBackup(page)
  expect(linesWithoutHeader(restored.text)).toEqual(linesWithoutHeader(backup.text))
  await page.getByRole('button', { name: 'Replay' }).click()
  await waitForStatus(page, /^Replayed 2\d\d events of #ubuntu into the Durable Object/)
})

test('without the token, the page says why it shows no data and why the chat is disabled', async () => {
  const page = await open('')
  await chooseBackend(page, 'Durable Object')
  await waitForChatDisabled(page)
  expect(await page.locator('#stored-data').textContent()).toContain('Only the bot’s operator')
})

test.each<[string, BrowserContextOptions]>([
  ['light', {}],
  ['on a phone, dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
])('axe finds no violation: %s', async (_, options) => {
  const page = await open(TOKEN, await browser.newUser(options))
  await chooseBackend(page, 'Durable Object')
  await waitForChatDisabled(page)
  expect(await accessibilityViolations(page)).toEqual([])
})

test('the keyboard skips the disabled controls and reaches all others', async () => {
  const page = await open()
  await page.getByRole('radio', { name: /This tab/ }).focus()
  await page.keyboard.press('ArrowRight')
  await waitForChatDisabled(page)
  await waitUntilReady(page)
  const reached: string[] = []
  for (let times = 0; times < 12; times++) {
    await page.keyboard.press('Tab')
    reached.push(
      await page.evaluate(() => {
        const focused = document.activeElement
        return focused?.closest('#examples, #form') === null ? focused.id : 'a disabled control'
      }),
    )
  }
  expect(reached).toEqual(expect.arrayContaining(['log', 'backup', 'restore-open', 'find']))
  expect(reached).not.toContain('a disabled control')
  await page.getByRole('radio', { name: /Durable Object/ }).focus()
  await page.keyboard.press('ArrowLeft')
  await sendMessage(page, 'bob++')
  expect((await messageTexts(page)).at(-1)).toBe('bob has 1 karma.')
})

test.each([1280, 390])('nothing shifts, at a width of %i px', async (width) => {
  const user = await browser.newUser({ viewport: { width, height: 844 } })
  await user.addInitScript(() => localStorage.setItem('bot.backend', 'DurableObject'))
  await recordLayoutShifts(user)
  const page = await open(TOKEN, user)
  await waitForChatDisabled(page)
  expect(await layoutShifts(page)).toEqual([])
})

test('a page that was loaded while web chat was on says that it is off when sending fails', async () => {
  const user = await browser.newUser()
  await user.route('**/api/storages', async (route) => {
    const response = await route.fetch()
    const bot = (await response.json()) as object
    await route.fulfill({ response, json: { ...bot, chat: true } })
  })
  const page = await open(TOKEN, user)
  await chooseBackend(page, 'Durable Object')
  await page.getByLabel('Message').fill('hello')
  await page.getByLabel('Message').press('Enter')
  await page.getByRole('alert').getByText(CHAT_DISABLED).waitFor()
  await waitForAnswer(page)
  expect(await page.locator('.line.failed .author').textContent()).toBe('guest (failed)')
  expect(await page.getByLabel('Message').inputValue()).toBe('hello')
})
