import { expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import {
  waitForAnswer,
  messageTexts,
  sendMessage,
  storedData,
  waitForValue,
  waitForStatus,
} from './support/test-browser.ts'
import { useStaticPage } from './support/static-page.ts'

const site = useStaticPage()

test('the conversation and what the bot learned survive a reload', async () => {
  const page = await site.browser.open(site.url)
  await page.getByLabel('Your name').fill('ann')
  await sendMessage(page, '!learn tea = green')
  await sendMessage(page, 'bob++')
  const before = await messageTexts(page)
  expect(before).toEqual([
    '!learn tea = green',
    'I will remember "tea".',
    'bob++',
    'bob has 1 karma.',
  ])
  await page.reload()
  await eventually(() => messageTexts(page)).toEqual(before)
  await sendMessage(page, '!tea | bob')
  expect((await messageTexts(page)).at(-1)).toBe('bob: green')
  expect(await page.getByLabel('Your name').inputValue()).toBe('ann')
})

test('two tabs show each other’s messages and changes', async () => {
  const user = await site.browser.newUser()
  const one = await site.browser.open(site.url, user)
  const two = await site.browser.open(site.url, user)
  await sendMessage(one, 'bob++')
  await waitForValue(two, 'Karma', 'bob', '1')
  await eventually(() => messageTexts(two)).toEqual(['bob++', 'bob has 1 karma.'])
  await sendMessage(two, 'bob++')
  await waitForValue(one, 'Karma', 'bob', '2')
  await eventually(() => messageTexts(one)).toHaveLength(4)
  expect(await messageTexts(one)).toEqual(await messageTexts(two))
})

test('two tabs that send at the same time lose no count and no message', async () => {
  const user = await site.browser.newUser()
  const tabs = await Promise.all([
    site.browser.open(site.url, user),
    site.browser.open(site.url, user),
  ])
  await Promise.all(
    tabs.map(async (tab) => {
      for (let time = 0; time < 8; time++) await sendMessage(tab, 'bob++')
    }),
  )
  for (const tab of tabs) {
    await waitForValue(tab, 'Karma', 'bob', '16')
    await eventually(async () => (await messageTexts(tab)).length).toBe(32)
  }
})

test('the inspector highlights what just changed, and nothing else', async () => {
  const page = await site.browser.open(site.url)
  await sendMessage(page, 'ann++')
  await sendMessage(page, 'bob++')
  await waitForValue(page, 'Karma', 'bob', '1')
  await eventually(() => page.locator('.changed').count()).toBe(0)
  await sendMessage(page, 'bob++')
  await eventually(() => page.locator('.changed .key').allTextContents()).toContain('bob')
  expect(await page.locator('.changed .key').allTextContents()).not.toContain('ann')
  await page.reload()
  await waitForValue(page, 'Karma', 'bob', '2')
  expect(await page.locator('.changed').count()).toBe(0)
})

test('markup in a message is shown as text everywhere', async () => {
  const user = await site.browser.newUser()
  const page = await site.browser.open(site.url, user)
  const hostile = '<img src=x onerror="document.title=`owned`"><script>document.title=1</script>'
  await page.getByLabel('Your name').fill('<b>eve</b>')
  await sendMessage(page, hostile)
  await sendMessage(page, `!learn <i>x</i> = ${hostile}`)
  await sendMessage(page, `!learn x = ${hostile}`)
  await sendMessage(page, '!x')
  expect(await messageTexts(page)).toEqual([
    hostile,
    `!learn <i>x</i> = ${hostile}`,
    expect.stringContaining('Usage:'),
    `!learn x = ${hostile}`,
    'I will remember "x".',
    '!x',
    hostile,
  ])
  await waitForValue(page, 'Seen', '<b>eve</b>', /^\{ nick: "<b>eve<\/b>"/)
  await waitForValue(page, 'Factoids', 'x', /<img src=x onerror/)
  await page.getByLabel('Find a key').fill('<b>')
  expect(await page.locator('img, #log b, #stored-data b, #stored-data i').count()).toBe(0)
  expect(await page.locator('script').count()).toBe(1)
  expect(await page.title()).toBe('botshelf: a bot that remembers')
  expect(site.browser.errors).toEqual([expect.stringContaining('404')])
})

test('a value of 4 KiB is shown cut off, and whole with “Show all”', async () => {
  const page = await site.browser.open(site.url)
  const long = 'tea '.repeat(1020).trim()
  const message = `!learn long = ${long}`.slice(0, 4096)
  await sendMessage(page, message)
  expect(await messageTexts(page)).toEqual([message, 'I will remember "long".'])
  const text = message.slice('!learn long = '.length)
  await waitForValue(page, 'Factoids', 'long', /^\{ asked: 0, text: "tea .*…$/)
  expect((await storedData(page))['Factoids']?.['long']?.length).toBeLessThan(300)
  await page.getByRole('button', { name: 'Show all of long' }).press('Enter')
  await waitForValue(page, 'Factoids', 'long', new RegExp(`"${text}"`))
  await page.getByRole('button', { name: 'Show less of long' }).press('Enter')
  expect((await storedData(page))['Factoids']?.['long']?.length).toBeLessThan(300)
})

test('a click on an example sends it', async () => {
  const page = await site.browser.open(site.url)
  await page.getByRole('button', { name: '!learn tea' }).click()
  await waitForAnswer(page)
  expect(await messageTexts(page)).toEqual(['!learn tea = green', 'I will remember "tea".'])
})

test('a replay shows its progress and its counts, and a second replay doubles the counts', async () => {
  const page = await site.browser.open(site.url)
  expect(await page.locator('#talkers').textContent()).toContain('None yet')
  await page.getByRole('button', { name: 'Replay' }).click()
  await page.getByRole('progressbar').waitFor()
  await waitForStatus(page, /^Replayed 2\d\d events/)
  const talkers = page.getByRole('list', { name: 'Most active people' }).getByRole('listitem')
  await eventually(() => talkers.allTextContents()).toHaveLength(5)
  expect((await talkers.allTextContents())[0]).toBe('simplyubuntu 22')
  const asked = page.getByRole('list', { name: 'Most asked factoids' }).getByRole('listitem')
  expect(await asked.allTextContents()).toContain('fr 5')
  await page.getByRole('button', { name: 'Replay' }).click()
  await eventually(() => talkers.first().textContent()).toBe('simplyubuntu 44')
})

test('a message without a reply is followed by a note, once', async () => {
  const page = await site.browser.open(site.url)
  await sendMessage(page, 'hello')
  await sendMessage(page, 'hello again')
  await eventually(() => page.locator('.line.note').allTextContents()).toEqual([
    expect.stringContaining('!help'),
  ])
})

test('a namespace without keys has no mark that it can be opened', async () => {
  const page = await site.browser.open(site.url)
  await sendMessage(page, 'bob++')
  const mark = (namespace: string): Promise<string> =>
    page
      .locator('.namespace summary', { hasText: namespace })
      .evaluate((summary) => getComputedStyle(summary, '::before').visibility)
  await eventually(() => mark('Karma')).toBe('visible')
  expect(await mark('Todo')).toBe('hidden')
})

test('“Find a key” shows the keys that contain a text, in any case of letters', async () => {
  const page = await site.browser.open(site.url)
  await page.getByRole('button', { name: 'Replay' }).click()
  await waitForStatus(page, /^Replayed/)
  await page.getByLabel('Find a key').fill('TUNTUN')
  await eventually(() => page.locator('.namespace:visible h3').allTextContents()).toEqual(['Seen'])
  expect(Object.keys((await storedData(page))['Seen'] ?? {})).toEqual(['tuntun'])
  await page.getByLabel('Find a key').fill('no such key')
  await page.getByText('No key contains this text.').waitFor()
  await page.getByLabel('Find a key').fill('')
  await eventually(() => page.locator('.namespace:visible').count()).toBe(5)
  await page.locator('summary', { hasText: 'Seen' }).press('Enter')
  expect(await page.locator('.entry:visible', { hasText: 'tuntun' }).count()).toBe(0)
})
