import type { BrowserContextOptions } from 'playwright'
import { expect, test } from 'vitest'
import { writeBackup } from '../../../src/backup/file.ts'
import { faults } from './support/axe.ts'
import {
  eventually,
  hasAnswered,
  moved,
  said,
  say,
  shows,
  statusIs,
  watchMoves,
} from './support/browser.ts'
import { stored } from '../support/stored.ts'
import { choose } from './support/files.ts'
import { useStaticPage } from './support/static-page.ts'

const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
}
const BACKUP = writeBackup({
  at: '2026-01-02T12:00:00.000Z',
  storage: 'IndexedDB',
  contents: new Map([['Karma', new Map([['zoe', stored(3)]])]]),
})
const site = useStaticPage()

test.each<[string, BrowserContextOptions]>([
  ['light', {}],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', PHONE],
  ['on a phone in the dark', { ...PHONE, colorScheme: 'dark' }],
])('axe finds nothing wrong: %s', async (_, options) => {
  const page = await site.browser.open(site.url, await site.browser.person(options))
  await say(page, 'bob++')
  await say(page, `!learn long = ${'long '.repeat(100)}`)
  await shows(page, 'Factoids', 'long', /long/)
  await eventually(() => page.locator('.changed').count()).toBe(0)
  await page.locator('.choices label').first().hover()
  await choose(page, 'torn.jsonl', BACKUP.slice(0, -9))
  await statusIs(page, /nothing was changed/)
  expect(await faults(page)).toEqual([])
  await choose(page, 'b.jsonl', BACKUP)
  await page.getByRole('radio', { name: /Replace/ }).check()
  expect(await faults(page)).toEqual([])
})

test('everything can be done with the keyboard alone, and the focus is always seen', async () => {
  const page = await site.browser.open(site.url)
  const press = (key: string): Promise<void> => page.keyboard.press(key)
  const tabTo = async (what: string): Promise<void> => {
    for (let times = 0; times < 40; times++) {
      await press('Tab')
      const [name, outline] = await page.evaluate(() => {
        const on = document.activeElement
        const seen = on?.matches('.choices input') ? on.nextElementSibling : on
        // From the last of the page the focus goes to the browser, and comes back to the first.
        if (on === document.body) return ['', 'solid']
        return [
          on?.id || on?.textContent || '',
          seen === null || seen === undefined ? '' : getComputedStyle(seen).outlineStyle,
        ]
      })
      expect(outline, name).toBe('solid')
      if (name.includes(what)) return
    }
    throw new Error(`The keyboard does not reach ${what}.`)
  }
  await tabTo('!learn tea')
  await press('Enter')
  await hasAnswered(page)
  await tabTo('user')
  await page.keyboard.type('ann')
  await tabTo('text')
  await page.keyboard.type('!tea | bob')
  await press('Enter')
  await eventually(() => said(page)).toContain('bob: green')
  await page.keyboard.type('!tea | zoe')
  await tabTo('Send')
  await press('Enter')
  await eventually(() => said(page)).toContain('zoe: green')
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
  await tabTo('restore-go')
  await press('Enter')
  await shows(page, 'Karma', 'zoe', '3')
  await eventually(() => page.evaluate(() => document.activeElement?.id)).toBe('restore-open')
  await tabTo('persist')
  await tabTo('find')
  await page.keyboard.type('zoe')
  await eventually(() => page.locator('.space:visible').count()).toBe(1)
  await tabTo('Karma')
  await press('Enter')
  await eventually(() => page.locator('.entry:visible').count()).toBe(0)
  await tabTo('replay-start')
  await press('Enter')
  await statusIs(page, /heard/)
})

test.each([320, 390, 768, 1280])(
  'at a width of %i pixels nothing sticks out, and a finger hits every button',
  async (width) => {
    const person = await site.browser.person({ viewport: { width, height: 700 }, hasTouch: true })
    const page = await site.browser.open(site.url, person)
    await page.getByLabel('Your name').fill('a'.repeat(64))
    await say(page, 'w'.repeat(300))
    await say(page, `!learn ${'k'.repeat(64)} = ${'v'.repeat(600)}`)
    await shows(page, 'Factoids', 'k'.repeat(64), /vvv/)
    await choose(page, 'torn.jsonl', '')
    await statusIs(page, /nothing was changed/)
    const sticksOut = (): Promise<string[]> =>
      page.evaluate(() => {
        const wide = document.documentElement.scrollWidth > innerWidth ? ['the page'] : []
        const boxes = document.querySelectorAll(
          '.card, #log, #shelf, .line, .entry, .bar, .actions, dialog, dialog .scroll',
        )
        const out = [...boxes].filter((box) => {
          const { left, right } = box.getBoundingClientRect()
          return left < 0 || right > innerWidth || box.scrollWidth > box.clientWidth + 1
        })
        return [...wide, ...out.map((box) => box.id || box.className)]
      })
    expect(await sticksOut()).toEqual([])
    const heights = await page.locator('button:visible, input:visible:not([type=radio])').all()
    for (const control of heights) {
      const box = await control.boundingBox()
      expect(box?.height, (await control.textContent()) ?? '').toBeGreaterThanOrEqual(44)
    }
    await choose(page, 'b.jsonl', BACKUP)
    await page.getByRole('dialog').waitFor()
    expect(await sticksOut()).toEqual([])
  },
)

test.each<[string, BrowserContextOptions, string?]>([
  ['a desktop', {}],
  // Emulated as a phone, Chromium takes every shift for one that a finger made.
  ['a phone', { viewport: { width: 390, height: 844 } }],
  ['a desktop that had an edge last time', {}, 'DurableObject'],
])('nothing moves on %s but entries in the inspector', async (_, options, last) => {
  const person = await site.browser.person(options)
  if (last !== undefined) {
    await person.addInitScript((place) => localStorage.setItem('bot.place', place), last)
  }
  await watchMoves(person)
  const page = await site.browser.open(site.url, person)
  await page.getByText('No edge answers').waitFor()
  await say(page, 'bob++')
  await say(page, '!help')
  await shows(page, 'Karma', 'bob', '1')
  await page.getByRole('button', { name: 'Replay' }).click()
  await statusIs(page, /heard/)
  await page.getByRole('button', { name: 'Keep my data' }).click()
  await statusIs(page, /browser/)
  await choose(page, 'torn.jsonl', '')
  await statusIs(page, /nothing was changed/)
  expect(await moved(page)).toEqual([])
  await page.reload()
  await eventually(() => said(page)).toHaveLength(4)
  await page.getByText('No edge answers').waitFor()
  expect(await moved(page)).toEqual([])
})

test('the conversation is a log that is read aloud as it grows, and not when it is moved to', async () => {
  const page = await site.browser.open(site.url)
  await say(page, 'bob++')
  const log = page.getByRole('log', { name: 'Talk to it' })
  await eventually(() => log.getAttribute('aria-live')).toBe('polite')
  await page.addInitScript(() => {
    const states: unknown[] = []
    Reflect.set(globalThis, 'states', states)
    document.addEventListener('DOMContentLoaded', () => {
      const on = document.querySelector('#log')
      if (on === null) return
      new MutationObserver(() => states.push(on.getAttribute('aria-live'))).observe(on, {
        childList: true,
      })
    })
  })
  await page.reload()
  await eventually(() => said(page)).toHaveLength(2)
  expect(await page.evaluate(() => Reflect.get(globalThis, 'states'))).toEqual(['off'])
})
