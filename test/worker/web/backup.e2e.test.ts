import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { formatBackup } from '../../../src/backup/file.ts'
import { stored } from '../support/stored.ts'
import { eventually } from './support/eventually.ts'
import {
  messageTexts,
  sendMessage,
  storedData,
  waitForValue,
  waitForStatus,
} from './support/test-browser.ts'
import { chooseBackup, downloadBackup, linesWithoutHeader } from './support/backup-files.ts'
import { useStaticPage } from './support/static-page.ts'

const site = useStaticPage()

/** Reads the preview of a restore: name, new, changed, same and removed of each row. */
async function previewRows(page: Page): Promise<string[]> {
  const rows = await page.locator('#restore tbody tr').allInnerTexts()
  return rows.map((row) => row.replace(/\s+/g, ' '))
}

test('a backup that is restored in another browser brings every entry back', async () => {
  const page = await site.browser.open(site.url)
  await sendMessage(page, '!learn tea = green')
  await sendMessage(page, 'bob++')
  await page.getByRole('button', { name: 'Replay' }).click()
  await waitForStatus(page, /^Replayed/)
  const { name, text } = await downloadBackup(page)
  expect(name).toMatch(/^bot-tab-\d{4}-\d\d-\d\d\.jsonl$/)
  const other = await site.browser.open(site.url)
  await chooseBackup(other, name, text)
  await other.getByRole('dialog').waitFor()
  await other.getByRole('button', { name: 'Restore', exact: true }).click()
  await waitForStatus(other, /^Restored into this tab: \d+ new, 0 changed\.$/)
  expect(linesWithoutHeader((await downloadBackup(other)).text)).toEqual(linesWithoutHeader(text))
  await eventually(() => storedData(other)).toEqual(await storedData(page))
  await sendMessage(other, '!tea')
  expect(await messageTexts(other)).toEqual(['!tea', 'green'])
  await waitForValue(other, 'Factoids', 'tea', /asked: 1/)
})

test('a restore shows what will change first, and changes nothing if it is cancelled', async () => {
  const page = await site.browser.open(site.url)
  await sendMessage(page, 'bob++')
  await sendMessage(page, 'ann++')
  const backup = await formatBackup({
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
  const before = await storedData(page)
  await chooseBackup(page, 'old.jsonl', backup)
  await page.getByRole('dialog').waitFor()
  expect(await page.locator('#restore-about').textContent()).toMatch(
    /^old.jsonl contains 4 entries from/,
  )
  expect(await previewRows(page)).toEqual([
    '<b>Old</b> 1 0 0 0',
    'Karma 1 1 1 0',
    'Seen 0 0 0 0',
    'Total 2 1 1 0',
  ])
  await page.getByRole('radio', { name: /Replace/ }).check()
  expect(await previewRows(page)).toContain('Seen 0 0 0 1')
  await page.getByRole('button', { name: 'Restore and remove 1' }).waitFor()
  await page.keyboard.press('Escape')
  expect(await page.getByRole('dialog').count()).toBe(0)
  expect(await storedData(page)).toEqual(before)
  await chooseBackup(page, 'old.jsonl', backup)
  await page.getByRole('button', { name: 'Cancel' }).click()
  expect(await storedData(page)).toEqual(before)
})

test('merging keeps entries that the backup does not have, replacing removes them', async () => {
  const page = await site.browser.open(site.url)
  await sendMessage(page, 'ann++')
  const backup = await formatBackup({
    at: '2026-01-02T12:00:00.000Z',
    storage: 'CloudflareKV',
    contents: new Map([['Karma', new Map([['zoe', stored(3)]])]]),
  })
  await chooseBackup(page, 'b.jsonl', backup)
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await waitForStatus(page, /1 new, 0 changed\.$/)
  await waitForValue(page, 'Karma', 'zoe', '3')
  expect((await storedData(page))['Karma']).toEqual({ ann: '1', zoe: '3' })
  await chooseBackup(page, 'b.jsonl', backup)
  await page.getByText('Nothing would change').waitFor()
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await page.getByText('Nothing would change').waitFor()
  await page.getByRole('radio', { name: /Replace/ }).check()
  await page.getByRole('button', { name: 'Restore and remove 2' }).click()
  await waitForStatus(page, /0 new, 0 changed, 2 removed, 1 the same\.$/)
  await eventually(async () => (await storedData(page))['Karma']).toEqual({ zoe: '3' })
  expect((await storedData(page))['Seen']).toEqual({})
})

test('a restore asks again if the data changed after the preview', async () => {
  const user = await site.browser.newUser()
  const page = await site.browser.open(site.url, user)
  const other = await site.browser.open(site.url, user)
  await sendMessage(page, 'ann++')
  const backup = await formatBackup({
    at: '2026-01-02T12:00:00.000Z',
    storage: 'IndexedDB',
    contents: new Map([['Karma', new Map([['ann', stored(1)]])]]),
  })
  await chooseBackup(page, 'b.jsonl', backup)
  await page.getByText('Nothing would change').waitFor()
  const confirm = page.getByRole('button', { name: 'Restore', exact: true })
  // The entry now differs from the backup. Restoring without a new preview would lose the change.
  await sendMessage(other, 'ann++')
  await confirm.click()
  await page
    .getByText('The stored data changed in the meantime, so this preview is new. 1 entry will')
    .waitFor()
  expect(await previewRows(page)).toContain('Karma 0 1 0 0')
  await sendMessage(other, 'ann++')
  await confirm.click()
  await eventually(() => page.locator('#restore-progress').isVisible()).toBe(false)
  await page
    .getByText('The stored data changed in the meantime, so this preview is new. 1 entry will')
    .waitFor()
  await waitForValue(other, 'Karma', 'ann', '3')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('restore-confirm')
  await sendMessage(other, '!learn tea = green')
  await confirm.click()
  await waitForStatus(page, /^Restored into this tab: 0 new, 1 changed\.$/)
  await waitForValue(other, 'Karma', 'ann', '1')
})

test('a restore keeps the time when an entry expires, and leaves out expired entries', async () => {
  const page = await site.browser.open(site.url)
  const expires = Date.now() + 3_600_000
  const contents = new Map([
    ['Karma', new Map([['ann', { ...stored(3), expires }]])],
    ['Todo', new Map([['expired', { ...stored(1), expires: 1 }]])],
  ])
  const backup = await formatBackup({
    at: '2026-01-02T12:00:00.000Z',
    storage: 'IndexedDB',
    contents,
  })
  await chooseBackup(page, 'b.jsonl', backup)
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await waitForStatus(page, /^Restored into this tab/)
  await waitForValue(page, 'Karma', 'ann', '3')
  const lines = linesWithoutHeader((await downloadBackup(page)).text)
  expect(lines).toContain(`{"namespace":"Karma","key":"ann","value":"2:3","expires":${expires}}`)
  expect(lines.join()).not.toContain('expired"')
})

test('a file that is chosen during another task is not read, and the page says so', async () => {
  const page = await site.browser.open(site.url)
  await sendMessage(page, 'bob++')
  const { text } = await downloadBackup(page)
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  await page.route('**/ubuntu-excerpt.txt', async (route) => {
    await released
    await route.continue()
  })
  const choosing = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Restore …' }).click()
  const chooser = await choosing
  const file = { name: 'b.jsonl', mimeType: 'application/x-ndjson', buffer: Buffer.from(text) }
  await page.getByRole('button', { name: 'Replay' }).click()
  await chooser.setFiles(file)
  await page
    .getByRole('alert')
    .getByText('b.jsonl was not read, because another task is running')
    .waitFor()
  release()
  await waitForStatus(page, /^Replayed/)
  expect(await page.locator('#restore-file').inputValue()).toBe('')
  await chooser.setFiles(file)
  await page.getByRole('dialog').waitFor()
})

test('a truncated or invalid file is rejected with a reason, and nothing is changed', async () => {
  const page = await site.browser.open(site.url)
  await sendMessage(page, 'bob++')
  const { text } = await downloadBackup(page)
  const before = await storedData(page)
  const lines = text.split('\n')
  const cases: [string, RegExp][] = [
    [
      text.slice(0, text.length / 2),
      /^x\.jsonl was not restored, and nothing was changed\. Line \d+: /,
    ],
    [lines.toSpliced(1, 1).join('\n'), /nothing was changed\. Line \d+: The file has \d+ entries/],
    [
      text.replace('"format":1', '"format":1 '),
      /nothing was changed\. Line \d+: The file was altered/,
    ],
    ['', /Line 1: This is not a backup of botshelf/],
    ['\u0000\u0001PNG', /Line 1: This is not a backup of botshelf/],
    [text.replace('"format":1', '"format":2'), /written by a later version/],
  ]
  for (const [file, message] of cases) {
    await chooseBackup(page, 'x.jsonl', file)
    await waitForStatus(page, message)
    expect(await page.getByRole('dialog').count()).toBe(0)
  }
  expect(await storedData(page)).toEqual(before)
  expect(linesWithoutHeader((await downloadBackup(page)).text)).toEqual(linesWithoutHeader(text))
})

test('after a restore of many entries, the page reads the namespace at once and not key by key', async () => {
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
  const entries = Array.from({ length: 5000 }, (_, at): [string, { value: string }] => [
    `k${at}`,
    stored(at),
  ])
  const contents = new Map([['Karma', new Map(entries)]])
  await chooseBackup(
    page,
    'many.jsonl',
    await formatBackup({ at: new Date().toISOString(), storage: 'x', contents }),
  )
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await waitForStatus(page, /^Restored into this tab: 5000 new, 0 changed\.$/)
  await page.getByText(/5.?000 keys/).waitFor()
  const reads = await page.evaluate(() => Reflect.get(globalThis, 'reads') as { count: number })
  expect(reads.count).toBeLessThan(4000)
})
