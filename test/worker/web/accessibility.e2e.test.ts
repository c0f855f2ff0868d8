import type { BrowserContextOptions } from 'playwright'
import { expect, test } from 'vitest'
import { formatBackup } from '../../../src/backup/file.ts'
import { accessibilityViolations } from './support/accessibility.ts'
import { eventually } from './support/eventually.ts'
import {
  waitForAnswer,
  layoutShifts,
  messageTexts,
  sendMessage,
  waitForValue,
  waitForStatus,
  recordLayoutShifts,
} from './support/test-browser.ts'
import { stored } from '../support/stored.ts'
import { chooseBackup } from './support/backup-files.ts'
import { useStaticPage } from './support/static-page.ts'

const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
}
const BACKUP = await formatBackup({
  at: '2026-01-02T12:00:00.000Z',
  storage: 'IndexedDB',
  contents: new Map([['Karma', new Map([['zoe', stored(3)]])]]),
})
const site = useStaticPage()

test.each<[string, BrowserContextOptions]>([
  ['light', {}],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', PHONE],
  ['on a phone, dark', { ...PHONE, colorScheme: 'dark' }],
])('axe finds no violation: %s', async (_, options) => {
  const page = await site.browser.open(site.url, await site.browser.newUser(options))
  await sendMessage(page, 'bob++')
  await sendMessage(page, `!learn long = ${'long '.repeat(100)}`)
  await waitForValue(page, 'Factoids', 'long', /long/)
  await eventually(() => page.locator('.changed').count()).toBe(0)
  await page.locator('.choices label').first().hover()
  await chooseBackup(page, 'truncated.jsonl', BACKUP.slice(0, -9))
  await waitForStatus(page, /nothing was changed/)
  expect(await accessibilityViolations(page)).toEqual([])
  await chooseBackup(page, 'b.jsonl', BACKUP)
  await page.getByRole('radio', { name: /Replace/ }).check()
  expect(await accessibilityViolations(page)).toEqual([])
})

test('every control can be reached and used with the keyboard, and the focus is always visible', async () => {
  const page = await site.browser.open(site.url)
  const press = (key: string): Promise<void> => page.keyboard.press(key)
  const tabTo = async (idOrText: string): Promise<void> => {
    for (let times = 0; times < 40; times++) {
      await press('Tab')
      const [name, outline] = await page.evaluate(() => {
        const focused = document.activeElement
        const outlined = focused?.matches('.choices input') ? focused.nextElementSibling : focused
        // After the last control, the focus leaves the page before it returns to the first one.
        if (focused === document.body) return ['', 'solid']
        return [
          focused?.id || focused?.textContent || '',
          outlined === null || outlined === undefined
            ? ''
            : getComputedStyle(outlined).outlineStyle,
        ]
      })
      expect(outline, name).toBe('solid')
      if (name.includes(idOrText)) return
    }
    throw new Error(`40 presses of Tab do not reach "${idOrText}".`)
  }
  await tabTo('!learn tea')
  await press('Enter')
  await waitForAnswer(page)
  await tabTo('user')
  await page.keyboard.type('ann')
  await tabTo('message')
  await page.keyboard.type('!tea | bob')
  await press('Enter')
  await eventually(() => messageTexts(page)).toContain('bob: green')
  await page.keyboard.type('!tea | zoe')
  await tabTo('Send')
  await press('Enter')
  await eventually(() => messageTexts(page)).toContain('zoe: green')
  await tabTo('backup')
  const downloading = page.waitForEvent('download')
  await press('Enter')
  await downloading
  await tabTo('restore-open')
  const choosing = page.waitForEvent('filechooser')
  await press('Enter')
  const file = { name: 'b.jsonl', mimeType: 'application/x-ndjson', buffer: Buffer.from(BACKUP) }
  await (await choosing).setFiles(file)
  await page.getByRole('dialog').waitFor()
  expect(await page.evaluate(() => document.activeElement?.closest('dialog')?.id)).toBe('restore')
  await tabTo('restore-confirm')
  await press('Enter')
  await waitForValue(page, 'Karma', 'zoe', '3')
  await eventually(() => page.evaluate(() => document.activeElement?.id)).toBe('restore-open')
  await tabTo('persist')
  await tabTo('find')
  await page.keyboard.type('zoe')
  await eventually(() => page.locator('.namespace:visible').count()).toBe(1)
  await tabTo('Karma')
  await press('Enter')
  await eventually(() => page.locator('.entry:visible').count()).toBe(0)
  await tabTo('replay-start')
  await press('Enter')
  await waitForStatus(page, /^Replayed/)
})

test.each([320, 390, 768, 1280])(
  'at a width of %i px nothing overflows, and every control is at least 44 px high',
  async (width) => {
    const user = await site.browser.newUser({ viewport: { width, height: 700 }, hasTouch: true })
    const page = await site.browser.open(site.url, user)
    await page.getByLabel('Your name').fill('a'.repeat(64))
    await sendMessage(page, 'w'.repeat(300))
    await sendMessage(page, `!learn ${'k'.repeat(64)} = ${'v'.repeat(600)}`)
    await waitForValue(page, 'Factoids', 'k'.repeat(64), /vvv/)
    await chooseBackup(page, 'truncated.jsonl', '')
    await waitForStatus(page, /nothing was changed/)
    const overflowing = (): Promise<string[]> =>
      page.evaluate(() => {
        const pageItself = document.documentElement.scrollWidth > innerWidth ? ['the page'] : []
        const boxes = document.querySelectorAll(
          '.card, #log, #stored-data, .line, .entry, .card-header, .bar, .actions, dialog, dialog .scroll',
        )
        const wide = [...boxes].filter((box) => {
          const { left, right } = box.getBoundingClientRect()
          return left < 0 || right > innerWidth || box.scrollWidth > box.clientWidth + 1
        })
        return [...pageItself, ...wide.map((box) => box.id || box.className)]
      })
    expect(await overflowing()).toEqual([])
    const controls = await page.locator('button:visible, input:visible:not([type=radio])').all()
    for (const control of controls) {
      const box = await control.boundingBox()
      expect(box?.height, (await control.textContent()) ?? '').toBeGreaterThanOrEqual(44)
    }
    await chooseBackup(page, 'b.jsonl', BACKUP)
    await page.getByRole('dialog').waitFor()
    expect(await overflowing()).toEqual([])
  },
)

test.each([
  { width: 1366, height: 650 },
  { width: 1280, height: 720 },
  { width: 390, height: 844 },
  { width: 390, height: 664 },
])('at $width × $height the message box is in view, with a gap below', async (viewport) => {
  const page = await site.browser.open(site.url, await site.browser.newUser({ viewport }))
  for (const text of ['bob++', '!help']) await sendMessage(page, text)
  await page.evaluate(() => scrollTo(0, 0))
  const box = await page.getByLabel('Message').boundingBox()
  expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(viewport.height - 8)
})

test('the options have different titles', async () => {
  const page = await site.browser.open(site.url)
  const titles = await page.locator('.choice b').allTextContents()
  expect(new Set(titles).size).toBe(3)
})

test.each<[string, BrowserContextOptions, string?]>([
  ['a desktop', {}],
  // Not `isMobile`: Chromium then counts every shift as caused by a touch, and does not report it.
  ['a phone', { viewport: { width: 390, height: 844 } }],
  ['a desktop where the Worker was used last time', {}, 'DurableObject'],
])('on %s, nothing but entries in the inspector shifts', async (_, options, lastBackend) => {
  const user = await site.browser.newUser(options)
  if (lastBackend !== undefined) {
    await user.addInitScript((name) => localStorage.setItem('bot.backend', name), lastBackend)
  }
  await recordLayoutShifts(user)
  const page = await site.browser.open(site.url, user)
  await page.getByText('No Worker was found').waitFor()
  await sendMessage(page, 'bob++')
  await sendMessage(page, '!help')
  await waitForValue(page, 'Karma', 'bob', '1')
  await page.getByRole('button', { name: 'Replay' }).click()
  await waitForStatus(page, /^Replayed/)
  await page.getByRole('button', { name: 'Protect data' }).click()
  await waitForStatus(page, /browser/)
  await chooseBackup(page, 'truncated.jsonl', '')
  await waitForStatus(page, /nothing was changed/)
  expect(await layoutShifts(page)).toEqual([])
  await page.reload()
  await eventually(() => messageTexts(page)).toHaveLength(4)
  await page.getByText('No Worker was found').waitFor()
  expect(await layoutShifts(page)).toEqual([])
})

test('screen readers read new messages aloud, but not those of a stored conversation', async () => {
  const page = await site.browser.open(site.url)
  await sendMessage(page, 'bob++')
  const log = page.getByRole('log', { name: 'Chat' })
  await eventually(() => log.getAttribute('aria-live')).toBe('polite')
  await page.addInitScript(() => {
    const states: unknown[] = []
    Reflect.set(globalThis, 'states', states)
    document.addEventListener('DOMContentLoaded', () => {
      const element = document.querySelector('#log')
      if (element === null) return
      new MutationObserver(() => states.push(element.getAttribute('aria-live'))).observe(element, {
        childList: true,
      })
    })
  })
  await page.reload()
  await eventually(() => messageTexts(page)).toHaveLength(2)
  expect(await page.evaluate(() => Reflect.get(globalThis, 'states'))).toEqual(['off'])
})
