import type { Locator, Page } from 'playwright'
import { formatBackup } from '../../../src/backup/file.ts'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../support/test-servers.ts'
import { eventually } from './support/eventually.ts'
import {
  chooseBackend,
  waitForAnswer,
  waitUntilReady,
  layoutShifts,
  messageTexts,
  sendMessage,
  storedData,
  waitForValue,
  waitForStatus,
  TestBrowser,
  recordLayoutShifts,
} from './support/test-browser.ts'
import { stored } from '../support/stored.ts'
import { chooseBackup, downloadBackup, linesWithoutHeader } from './support/backup-files.ts'

const EMPTY_BACKUP =
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
afterEach(() => browser.reset())
afterAll(() => Promise.all([servers.stop(), browser?.stop()]), 20_000)

async function open(token: string | undefined = TOKEN): Promise<Page> {
  const hash = token === '' ? '' : `#token=${encodeURIComponent(token)}`
  const page = await browser.open(`${server.url}/${hash}`)
  await page.locator('input[value="DurableObject"]:enabled').waitFor()
  return page
}

test('the tab and the two storages of the Worker have separate data and conversations', async () => {
  const page = await open()
  await sendMessage(page, '!learn apart = in the tab')
  await chooseBackend(page, 'Durable Object')
  await sendMessage(page, '!apart')
  await sendMessage(page, '!learn apart = in the object')
  await chooseBackend(page, 'KV')
  await sendMessage(page, '!apart')
  expect(await messageTexts(page)).toEqual(['!apart', expect.stringContaining('I do not know')])
  await chooseBackend(page, 'Durable Object')
  await waitForValue(page, 'Factoids', 'apart', /text: "in the object"/)
  await eventually(() => messageTexts(page)).toHaveLength(4)
  await page.reload()
  await waitUntilReady(page)
  expect(await page.getByRole('radio', { name: /Durable Object/ }).isChecked()).toBe(true)
  await eventually(() => messageTexts(page)).toHaveLength(4)
  await chooseBackend(page, 'IndexedDB')
  await waitForValue(page, 'Factoids', 'apart', /text: "in the tab"/)
  await eventually(() => messageTexts(page)).toHaveLength(2)
  expect(browser.errors).toEqual([])
})

test('a backup of the tab, restored into the Worker, gives the same entries', async () => {
  const page = await open()
  await sendMessage(page, '!learn restored = from the tab')
  await sendMessage(page, 'ann++')
  await page.getByRole('button', { name: 'Replay' }).click()
  await waitForStatus(page, /^Replayed/)
  const backup = await downloadBackup(page)
  for (const backend of ['Durable Object', 'KV'] as const) {
    await chooseBackend(page, backend)
    await chooseBackup(page, backup.name, backup.text)
    await page.getByRole('radio', { name: /Replace/ }).check()
    await page
      .getByRole('button', { name: /^Restore/ })
      .last()
      .click()
    await waitForStatus(page, /^Restored into (KV|the Durable Object)/)
    const restored = await downloadBackup(page)
    expect(restored.name).toMatch(/^bot-(DurableObject|CloudflareKV)-/)
    expect(linesWithoutHeader(restored.text)).toEqual(linesWithoutHeader(backup.text))
  }
  await sendMessage(page, '!restored')
  await eventually(() => messageTexts(page)).toContain('from the tab')
}, 60_000)

test('a restore shows its progress; after a network failure it says how far it came, and can continue', async () => {
  const page = await open()
  await chooseBackend(page, 'KV')
  const karma = new Map(Array.from({ length: 450 }, (_, index) => [`nick${index}`, stored(index)]))
  const contents = new Map([['Karma', karma]])
  const at = '2026-01-02T12:00:00.000Z'
  let requests = 0
  let progressAtFailure: number | undefined
  await page.route('**/admin/restore?*', async (route) => {
    requests++
    // The first part succeeds. The second part fails, with three retries.
    if (requests < 2 || requests > 5) return route.continue()
    const bar = page.getByRole('dialog').getByRole('progressbar')
    progressAtFailure = await bar.evaluate((progress: HTMLProgressElement) => progress.value)
    return route.abort()
  })
  await chooseBackup(page, 'many.jsonl', await formatBackup({ at, storage: 'Memory', contents }))
  await page.getByRole('button', { name: 'Restore', exact: true }).press('Enter')
  await page.getByText(/cannot be reached.* 200 of 450 changes were made/).waitFor()
  expect(progressAtFailure).toBeCloseTo(200 / 450)
  await eventually(() => page.locator('#restore tbody tr').last().innerText()).toMatch(
    /250\s+0\s+200/,
  )
  expect(requests).toBe(5)
  await page.keyboard.press('Enter')
  await waitForStatus(page, /^Restored into KV: 250 new, 0 changed, 200 the same\.$/)
  await waitForValue(page, 'Karma', 'nick199', '199')
  await page.getByText('… and 2').waitFor()
})

test('after a failed restore, “Restore” stays disabled until the stored data was read again', async () => {
  const page = await open()
  await chooseBackend(page, 'Durable Object')
  const contents = new Map([['Again', new Map([['k', stored(1)]])]])
  const at = '2026-01-02T12:00:00.000Z'
  await chooseBackup(page, 'one.jsonl', await formatBackup({ at, storage: 'Memory', contents }))
  const confirm = page.getByRole('button', { name: 'Restore', exact: true })
  await confirm.waitFor()
  let restores = 0
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  await page.route('**/admin/restore?*', async (route) => {
    restores++
    await page.route('**/admin/storage?*', async (reading) => {
      await released
      await reading.continue()
    })
    await route.fulfill({ status: 400, body: '{"error":"Restoring is off."}' })
  })
  await confirm.click()
  await eventually(() => restores).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(await confirm.isDisabled()).toBe(true)
  release()
  await page.getByText('Restoring is off. 0 of 1 changes were made').waitFor()
  await eventually(() => confirm.isEnabled()).toBe(true)
  expect(restores).toBe(1)
  await page.unrouteAll()
  await confirm.click()
  await waitForStatus(page, /^Restored into the Durable Object: 1 new/)
})

test('a message without an answer times out, and does not block other conversations', async () => {
  const user = await browser.newUser()
  await user.addInitScript(() => {
    const timeout = AbortSignal.timeout.bind(AbortSignal)
    // Shortens the timeout of a message.
    AbortSignal.timeout = (ms) => timeout(ms === 30_000 ? 4_000 : ms)
  })
  const page = await browser.open(`${server.url}/#token=${encodeURIComponent(TOKEN)}`, user)
  await chooseBackend(page, 'Durable Object')
  const input = page.getByLabel('Message')
  await page.route('**/api/messages', () => {}, { times: 1 })
  await input.fill('first')
  await input.press('Enter')
  await chooseBackend(page, 'IndexedDB')
  await sendMessage(page, 'ann++')
  expect((await messageTexts(page)).at(-1)).toBe('ann has 1 karma.')
  await chooseBackend(page, 'Durable Object')
  await sendMessage(page, '!learn held = up')
  expect((await messageTexts(page)).at(-1)).toBe('I will remember "held".')
  await page.route('**/api/messages', () => {}, { times: 1 })
  await input.fill('last')
  await input.press('Enter')
  // When the first one times out, the last one is still being sent.
  await page.getByRole('alert').getByText('did not answer in time').waitFor()
  expect(await page.locator('#form button').getAttribute('aria-disabled')).toBe('true')
  await waitForAnswer(page)
  expect(await page.locator('.line.failed .text').allTextContents()).toContain('last')
  expect(await input.inputValue()).toBe('last')
})

function radio(page: Page, name: RegExp): Locator {
  return page.getByRole('radio', { name })
}

test('a page that used the Worker last time waits 3 s for it, or until the user chooses the tab', async () => {
  const user = await browser.newUser()
  const first = await browser.open(`${server.url}/#token=${encodeURIComponent(TOKEN)}`, user)
  await chooseBackend(first, 'Durable Object')
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  await user.route('**/api/storages', async (route) => {
    await released
    await route.continue()
  })
  const [choosing, waiting] = [await user.newPage(), await user.newPage()]
  await waiting.goto(first.url())
  await waiting.locator('#stored-data').getByText('Connecting to the Worker').waitFor()
  expect(await waiting.getByRole('button', { name: 'Back up' }).isDisabled()).toBe(true)
  await waiting.getByRole('button', { name: '!help' }).click()
  expect(await waiting.getByLabel('Message').inputValue()).toBe('!help')
  await waitUntilReady(waiting)
  expect(await radio(waiting, /This tab/).isChecked()).toBe(true)
  expect(await messageTexts(waiting)).toEqual([])
  await waiting.getByRole('button', { name: 'Send' }).click()
  await eventually(() => messageTexts(waiting)).toHaveLength(2)
  await choosing.goto(first.url())
  await radio(choosing, /This tab/).check({ timeout: 2_000 })
  await sendMessage(choosing, 'ann++')
  expect((await messageTexts(choosing)).at(-1)).toBe('ann has 1 karma.')
  release()
  for (const page of [choosing, waiting]) {
    await eventually(() => radio(page, /Durable Object/).isEnabled()).toBe(true)
    expect(await radio(page, /This tab/).isChecked()).toBe(true)
  }
})

test.each([1280, 390])(
  'nothing shifts in a page that used the Worker last time, at a width of %i px',
  async (width) => {
    const user = await browser.newUser({ viewport: { width, height: 844 } })
    await user.addInitScript(() => localStorage.setItem('bot.backend', 'DurableObject'))
    await recordLayoutShifts(user)
    const page = await browser.open(`${server.url}/#token=${encodeURIComponent(TOKEN)}`, user)
    expect(await radio(page, /Durable Object/).isChecked()).toBe(true)
    await sendMessage(page, 'ann++')
    expect(await layoutShifts(page)).toEqual([])
  },
)

test('the namespaces of the Worker are read one after another', async () => {
  const page = await open()
  let active = 0
  let maxActive = 0
  let total = 0
  await page.route('**/admin/storage?*', async (route) => {
    total++
    maxActive = Math.max(maxActive, ++active)
    const response = await route.fetch()
    active--
    await route.fulfill({ response })
  })
  await chooseBackend(page, 'Durable Object')
  await sendMessage(page, 'ann++')
  await sendMessage(page, '!learn one = after another')
  await eventually(() => total).toBeGreaterThan(6)
  expect(maxActive).toBe(1)
})

test('a replay in the Worker shows its counts', async () => {
  const page = await open()
  await chooseBackend(page, 'Durable Object')
  await chooseBackup(page, 'empty.jsonl', EMPTY_BACKUP)
  await page.getByRole('radio', { name: /Replace/ }).check()
  const confirm = page.getByRole('button', { name: /^Restore/ }).last()
  const status = await page.locator('#restore-status').textContent()
  if (status?.includes('Nothing would change') === true) await page.keyboard.press('Escape')
  else await confirm.click()
  await eventually(() => page.getByRole('dialog').count()).toBe(0)
  await page.getByRole('button', { name: 'Replay' }).click()
  await waitForStatus(page, /^Replayed 2\d\d events of #ubuntu into the Durable Object/)
  await eventually(() => page.locator('#talkers li').first().textContent()).toBe('simplyubuntu 22')
})

test('a change that another user makes in the Worker appears without a reload', async () => {
  const page = await open()
  await chooseBackend(page, 'Durable Object')
  const other = await open('')
  await chooseBackend(other, 'Durable Object')
  await sendMessage(other, '!learn quiet = refreshed')
  await waitForValue(page, 'Factoids', 'quiet', /refreshed/)
})

test('without the token the chat works, and the page says why it shows no data', async () => {
  const page = await open('')
  await chooseBackend(page, 'Durable Object')
  await sendMessage(page, '!learn public = yes')
  expect((await messageTexts(page)).at(-1)).toBe('I will remember "public".')
  expect(await page.locator('#stored-data').textContent()).toMatch(
    /Only the bot’s operator.*npm start prints/,
  )
  for (const name of ['Back up', 'Restore …', 'Replay']) {
    expect(await page.getByRole('button', { name }).isDisabled()).toBe(true)
  }
  expect(await storedData(page)).toEqual({})
  expect(await page.locator('#operator').isVisible()).toBe(false)
  await chooseBackend(page, 'IndexedDB')
  expect(await page.getByRole('button', { name: 'Back up' }).isEnabled()).toBe(true)
  expect(browser.errors).toEqual([])
})

test('where the browser denies storage, the Worker still answers, and the page says that the conversation is not stored', async () => {
  const user = await browser.newUser()
  await user.addInitScript(() => {
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
  const page = await browser.open(server.url, user)
  await page.getByRole('alert').getByText('does not let the page store data').waitFor()
  await chooseBackend(page, 'Durable Object')
  expect(await page.getByRole('alert').textContent()).toBe('')
  await sendMessage(page, '!learn denied = no matter')
  await sendMessage(page, '!denied')
  expect((await messageTexts(page)).at(-1)).toBe('no matter')
  await page.getByText('The browser does not store this conversation').waitFor()
  expect(browser.errors).toEqual([])
})

test('a token that the bot rejects is reported', async () => {
  const page = await open('stale')
  await chooseBackend(page, 'Durable Object')
  await page
    .locator('#stored-data', { hasText: 'not the ADMIN_TOKEN of the running bot' })
    .waitFor()
  expect(await page.locator('#operator').isVisible()).toBe(false)
  expect(await page.getByRole('button', { name: 'Back up' }).isDisabled()).toBe(true)
  await sendMessage(page, 'hello')
  await page
    .getByRole('alert')
    .filter({ hasText: 'not the ADMIN_TOKEN of the running bot' })
    .waitFor()
  expect(await page.locator('.line.failed .author').textContent()).toBe('guest (failed)')
  expect(await page.getByLabel('Message').inputValue()).toBe('hello')
})

test('the Worker accepts the longest message that the form allows, of any characters', async () => {
  const page = await open()
  await chooseBackend(page, 'Durable Object')
  const text = '!learn long = '.padEnd(4096, '\u0001é')
  await page.getByLabel('Message').fill(text)
  await page.keyboard.press('Enter')
  await page.getByText('I will remember "long".').waitFor()
})

test('when the Worker cannot be reached, the page says so and that the data may be out of date', async () => {
  const page = await open()
  await chooseBackend(page, 'Durable Object')
  await sendMessage(page, '!learn old = shown')
  await waitForValue(page, 'Factoids', 'old', /shown/)
  await page.context().setOffline(true)
  await sendMessage(page, 'hello?')
  await page.getByRole('alert').filter({ hasText: 'cannot be reached' }).waitFor()
  await page.getByText('The data shown may be out of date').waitFor()
  await waitForValue(page, 'Factoids', 'old', /shown/)
  await page.context().setOffline(false)
  await eventually(() => page.locator('#sync-error').textContent()).toBe('')
})

test('the content security policy is the same in the header and the page, and allows no other origin', async () => {
  const page = await open()
  const policy = await page.locator('meta[http-equiv]').getAttribute('content')
  const { headers } = await fetch(server.url)
  expect(headers.get('content-security-policy')).toBe(`${policy}; frame-ancestors 'none'`)
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/)
  expect(policy).not.toMatch(/unsafe|[*]|https?:|data:|blob:/)
})
