import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { writeBackup } from '../../../src/backup/file.ts'
import { stored } from '../support/stored.ts'
import { eventually, said, say, shown, shows, statusIs } from './support/browser.ts'
import { choose, download, entries } from './support/files.ts'
import { useStaticPage } from './support/static-page.ts'

const site = useStaticPage()

async function rows(page: Page): Promise<string[]> {
  const all = await page.locator('#restore tbody tr').allInnerTexts()
  return all.map((row) => row.replace(/\s+/g, ' '))
}

test('a backup restored in another browser gives every entry back', async () => {
  const page = await site.browser.open(site.url)
  await say(page, '!learn tea = green')
  await say(page, 'bob++')
  await page.getByRole('button', { name: 'Replay' }).click()
  await statusIs(page, /heard/)
  const { name, text } = await download(page)
  expect(name).toMatch(/^bot-tab-\d{4}-\d\d-\d\d\.jsonl$/)
  const other = await site.browser.open(site.url)
  await choose(other, name, text)
  await other.getByRole('dialog').waitFor()
  await other.getByRole('button', { name: 'Restore', exact: true }).click()
  await statusIs(other, /^Restored into this tab: \d+ new, 0 changed\.$/)
  expect(entries((await download(other)).text)).toEqual(entries(text))
  await eventually(() => shown(other)).toEqual(await shown(page))
  await say(other, '!tea')
  expect(await said(other)).toEqual(['!tea', 'green'])
  await shows(other, 'Factoids', 'tea', /asked: 1/)
})

test('what will change is shown before it is done, and nothing is done if it is called off', async () => {
  const page = await site.browser.open(site.url)
  await say(page, 'bob++')
  await say(page, 'ann++')
  const backup = writeBackup({
    at: '2026-01-02T12:00:00.000Z',
    storage: 'IndexedDB',
    contents: new Map([
      [
        'Karma',
        new Map([
          ['ann', stored(1)],
          ['bob', stored(7)],
          ['zoe', stored(3)],
        ]),
      ],
      ['<b>Old</b>', new Map([['<img src=x>', stored('<i>')]])],
    ]),
  })
  const before = await shown(page)
  await choose(page, 'old.jsonl', backup)
  await page.getByRole('dialog').waitFor()
  expect(await page.locator('#restore-about').textContent()).toMatch(
    /^old.jsonl holds 4 entries of/,
  )
  expect(await rows(page)).toEqual([
    '<b>Old</b> 1 0 0 0',
    'Karma 1 1 1 0',
    'Seen 0 0 0 0',
    'Together 2 1 1 0',
  ])
  await page.getByRole('radio', { name: /Replace/ }).check()
  expect(await rows(page)).toContain('Seen 0 0 0 1')
  await page.getByRole('button', { name: 'Restore and remove 1' }).waitFor()
  await page.keyboard.press('Escape')
  expect(await page.getByRole('dialog').count()).toBe(0)
  expect(await shown(page)).toEqual(before)
  await choose(page, 'old.jsonl', backup)
  await page.getByRole('button', { name: 'Cancel' }).click()
  expect(await shown(page)).toEqual(before)
})

test('a merge leaves what the backup does not name, a replacement removes it', async () => {
  const page = await site.browser.open(site.url)
  await say(page, 'ann++')
  const backup = writeBackup({
    at: '2026-01-02T12:00:00.000Z',
    storage: 'CloudflareKV',
    contents: new Map([['Karma', new Map([['zoe', stored(3)]])]]),
  })
  await choose(page, 'b.jsonl', backup)
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await statusIs(page, /1 new, 0 changed\.$/)
  await shows(page, 'Karma', 'zoe', '3')
  expect((await shown(page))['Karma']).toEqual({ ann: '1', zoe: '3' })
  await choose(page, 'b.jsonl', backup)
  await page.getByText('there is nothing to do').waitFor()
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await page.getByText('there is nothing to do').waitFor()
  await page.getByRole('radio', { name: /Replace/ }).check()
  await page.getByRole('button', { name: 'Restore and remove 2' }).click()
  await statusIs(page, /0 new, 0 changed, 2 removed, 1 as before\.$/)
  await eventually(async () => (await shown(page))['Karma']).toEqual({ zoe: '3' })
  expect((await shown(page))['Seen']).toEqual({})
})

test('what changed since it was shown is shown anew, and nothing is done unseen', async () => {
  const person = await site.browser.person()
  const page = await site.browser.open(site.url, person)
  const other = await site.browser.open(site.url, person)
  await say(page, 'ann++')
  const backup = writeBackup({
    at: '2026-01-02T12:00:00.000Z',
    storage: 'IndexedDB',
    contents: new Map([['Karma', new Map([['ann', stored(1)]])]]),
  })
  await choose(page, 'b.jsonl', backup)
  await page.getByText('there is nothing to do').waitFor()
  const go = page.getByRole('button', { name: 'Restore', exact: true })
  // Skipped, it would stay; overwritten in secret, it would be lost.
  await say(other, 'ann++')
  await go.click()
  await page.getByText('Meanwhile something has changed here; look again. 1 entry will').waitFor()
  expect(await rows(page)).toContain('Karma 0 1 0 0')
  await say(other, 'ann++')
  await go.click()
  await eventually(() => page.locator('#restore-progress').isVisible()).toBe(false)
  await page.getByText('Meanwhile something has changed here; look again. 1 entry will').waitFor()
  await shows(other, 'Karma', 'ann', '3')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('restore-go')
  await say(other, '!learn tea = green')
  await go.click()
  await statusIs(page, /^Restored into this tab: 0 new, 1 changed\.$/)
  await shows(other, 'Karma', 'ann', '1')
})

test('what is to expire does so where it is restored, and is in its backup again', async () => {
  const page = await site.browser.open(site.url)
  const expires = Date.now() + 3_600_000
  const contents = new Map([
    ['Karma', new Map([['ann', { ...stored(3), expires }]])],
    ['Todo', new Map([['gone', { ...stored(1), expires: 1 }]])],
  ])
  const backup = writeBackup({ at: '2026-01-02T12:00:00.000Z', storage: 'IndexedDB', contents })
  await choose(page, 'b.jsonl', backup)
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await statusIs(page, /^Restored into this tab/)
  await shows(page, 'Karma', 'ann', '3')
  const lines = entries((await download(page)).text)
  expect(lines).toContain(`{"namespace":"Karma","key":"ann","value":"1:[3]","expires":${expires}}`)
  expect(lines.join()).not.toContain('gone')
})

test('a file that is chosen while something else is done is said not to be read', async () => {
  const page = await site.browser.open(site.url)
  await say(page, 'bob++')
  const { text } = await download(page)
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  await page.route('**/ubuntu-excerpt.txt', async (route) => {
    await held
    await route.continue()
  })
  const choosing = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Restore …' }).click()
  const chooser = await choosing
  const file = { name: 'b.jsonl', mimeType: 'application/x-ndjson', buffer: Buffer.from(text) }
  await page.getByRole('button', { name: 'Replay' }).click()
  await chooser.setFiles(file)
  await page.getByRole('alert').getByText('b.jsonl was not read').waitFor()
  release()
  await statusIs(page, /heard/)
  expect(await page.locator('#restore-file').inputValue()).toBe('')
  await chooser.setFiles(file)
  await page.getByRole('dialog').waitFor()
})

test('a torn or wrong file gets one sentence, and nothing is changed', async () => {
  const page = await site.browser.open(site.url)
  await say(page, 'bob++')
  const { text } = await download(page)
  const before = await shown(page)
  const lines = text.split('\n')
  const files: [string, RegExp][] = [
    [
      text.slice(0, text.length / 2),
      /^x\.jsonl was not restored, and nothing was changed\. Line \d+: /,
    ],
    [lines.toSpliced(1, 1).join('\n'), /nothing was changed\. Line \d+: The file has \d+ entries/],
    ['', /Line 1: This is not a backup of botshelf/],
    ['\u0000\u0001PNG', /Line 1: This is not a backup of botshelf/],
    [text.replace('"format":1', '"format":2'), /written by a later version/],
  ]
  for (const [file, sentence] of files) {
    await choose(page, 'x.jsonl', file)
    await statusIs(page, sentence)
    expect(await page.getByRole('dialog').count()).toBe(0)
  }
  expect(await shown(page)).toEqual(before)
  expect((await download(page)).text.split('\n').slice(1)).toEqual(lines.slice(1))
})

test('after many entries were restored, all is read at once and not key by key', async () => {
  const page = await site.browser.open(site.url)
  await page.evaluate(() => {
    const reads = { count: 0 }
    Object.assign(globalThis, { reads })
    const get = Reflect.get(IDBObjectStore.prototype, 'get')
    IDBObjectStore.prototype.get = function (key) {
      reads.count++
      return Reflect.apply(get, this, [key])
    }
  })
  const many = Array.from({ length: 5000 }, (_, at): [string, { value: string }] => [
    `k${at}`,
    stored(at),
  ])
  const contents = new Map([['Karma', new Map(many)]])
  await choose(
    page,
    'many.jsonl',
    writeBackup({ at: new Date().toISOString(), storage: 'x', contents }),
  )
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await statusIs(page, /^Restored into this tab: 5000 new, 0 changed\.$/)
  await page.getByText(/5.?000 keys/).waitFor()
  const reads = await page.evaluate(() => Reflect.get(globalThis, 'reads') as { count: number })
  expect(reads.count).toBeLessThan(4000)
})
