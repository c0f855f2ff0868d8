import { expect, test } from 'vitest'
import { eventually, hasAnswered, said, say, shown, shows, statusIs } from './support/browser.ts'
import { useStaticPage } from './support/static-page.ts'

const site = useStaticPage()

test('what was said and what was learned are there after a reload', async () => {
  const page = await site.browser.open(site.url)
  await page.getByLabel('Your name').fill('ann')
  await say(page, '!learn tea = green')
  await say(page, 'bob++')
  const before = await said(page)
  expect(before).toEqual([
    '!learn tea = green',
    'I will remember "tea".',
    'bob++',
    'bob has 1 karma.',
  ])
  await page.reload()
  await eventually(() => said(page)).toEqual(before)
  await say(page, '!tea | bob')
  expect((await said(page)).at(-1)).toBe('bob: green')
  expect(await page.getByLabel('Your name').inputValue()).toBe('ann')
})

test('two tabs show the same conversation and the same data as they change', async () => {
  const person = await site.browser.person()
  const one = await site.browser.open(site.url, person)
  const two = await site.browser.open(site.url, person)
  await say(one, 'bob++')
  await shows(two, 'Karma', 'bob', '1')
  await eventually(() => said(two)).toEqual(['bob++', 'bob has 1 karma.'])
  await say(two, 'bob++')
  await shows(one, 'Karma', 'bob', '2')
  await eventually(() => said(one)).toHaveLength(4)
  expect(await said(one)).toEqual(await said(two))
})

test('of two tabs that talk at once nothing is lost, neither counts nor lines', async () => {
  const person = await site.browser.person()
  const tabs = await Promise.all([
    site.browser.open(site.url, person),
    site.browser.open(site.url, person),
  ])
  await Promise.all(
    tabs.map(async (tab) => {
      for (let time = 0; time < 8; time++) await say(tab, 'bob++')
    }),
  )
  for (const tab of tabs) {
    await shows(tab, 'Karma', 'bob', '16')
    await eventually(async () => (await said(tab)).length).toBe(32)
  }
})

test('the inspector marks what just changed, and only that', async () => {
  const page = await site.browser.open(site.url)
  await say(page, 'ann++')
  await say(page, 'bob++')
  await shows(page, 'Karma', 'bob', '1')
  await eventually(() => page.locator('.changed').count()).toBe(0)
  await say(page, 'bob++')
  await eventually(() => page.locator('.changed .key').allTextContents()).toContain('bob')
  expect(await page.locator('.changed .key').allTextContents()).not.toContain('ann')
  await page.reload()
  await shows(page, 'Karma', 'bob', '2')
  expect(await page.locator('.changed').count()).toBe(0)
})

test('a hostile message is shown as text, wherever it is shown', async () => {
  const person = await site.browser.person()
  const page = await site.browser.open(site.url, person)
  const hostile = '<img src=x onerror="document.title=`owned`"><script>document.title=1</script>'
  await page.getByLabel('Your name').fill('<b>eve</b>')
  await say(page, hostile)
  await say(page, `!learn <i>x</i> = ${hostile}`)
  await say(page, `!learn x = ${hostile}`)
  await say(page, '!x')
  expect(await said(page)).toEqual([
    hostile,
    `!learn <i>x</i> = ${hostile}`,
    expect.stringContaining('Say it like this'),
    `!learn x = ${hostile}`,
    'I will remember "x".',
    '!x',
    hostile,
  ])
  await shows(page, 'Seen', '<b>eve</b>', /^\{ nick: "<b>eve<\/b>"/)
  await shows(page, 'Factoids', 'x', /<img src=x onerror/)
  await page.getByLabel('Find a key').fill('<b>')
  expect(await page.locator('img, #log b, #shelf b, #shelf i').count()).toBe(0)
  expect(await page.locator('script').count()).toBe(1)
  expect(await page.title()).toBe('botshelf: a bot that remembers')
  expect(site.browser.complaints).toEqual([expect.stringContaining('404')])
})

test('a message of 4 KiB is heard, and shown whole where it is asked for', async () => {
  const page = await site.browser.open(site.url)
  const long = 'tea '.repeat(1020).trim()
  const message = `!learn long = ${long}`.slice(0, 4096)
  await say(page, message)
  expect(await said(page)).toEqual([message, 'I will remember "long".'])
  const text = message.slice('!learn long = '.length)
  await shows(page, 'Factoids', 'long', /^\{ asked: 0, text: "tea .*…$/)
  expect((await shown(page))['Factoids']?.['long']?.length).toBeLessThan(300)
  const all = page.getByRole('button', { name: 'Show all of long' })
  await all.press('Enter')
  await shows(page, 'Factoids', 'long', new RegExp(`"${text}"`))
  await page.getByRole('button', { name: 'Show less of long' }).press('Enter')
  expect((await shown(page))['Factoids']?.['long']?.length).toBeLessThan(300)
})

test('a click on an example says it', async () => {
  const page = await site.browser.open(site.url)
  await page.getByRole('button', { name: '!learn tea' }).click()
  await hasAnswered(page)
  expect(await said(page)).toEqual(['!learn tea = green', 'I will remember "tea".'])
})

test('a replay shows how far it is, and its counts as lists; heard twice, it counts twice', async () => {
  const page = await site.browser.open(site.url)
  expect(await page.locator('#talkers').textContent()).toContain('Nothing')
  await page.getByRole('button', { name: 'Replay' }).click()
  await page.getByRole('progressbar').waitFor()
  await statusIs(page, /heard 2\d\d events/)
  const talkers = page.getByRole('list', { name: 'Who talks most' }).getByRole('listitem')
  await eventually(() => talkers.allTextContents()).toHaveLength(8)
  expect((await talkers.allTextContents())[0]).toBe('simplyubuntu 22')
  const asked = page.getByRole('list', { name: 'Asked for most' }).getByRole('listitem')
  expect(await asked.allTextContents()).toContain('fr 5')
  await page.getByRole('button', { name: 'Replay' }).click()
  await eventually(() => talkers.first().textContent()).toBe('simplyubuntu 44')
})

test('of many keys some are shown, and the others are found by their name', async () => {
  const page = await site.browser.open(site.url)
  await page.getByRole('button', { name: 'Replay' }).click()
  await statusIs(page, /heard/)
  await page.getByLabel('Find a key').fill('TUNTUN')
  await eventually(() => page.locator('.space:visible h3').allTextContents()).toEqual(['Seen'])
  expect(Object.keys((await shown(page))['Seen'] ?? {})).toEqual(['tuntun'])
  await page.getByLabel('Find a key').fill('nobody of this name')
  await page.getByText('No key is called that.').waitFor()
  await page.getByLabel('Find a key').fill('')
  await eventually(() => page.locator('.space:visible').count()).toBe(5)
  await page.locator('summary', { hasText: 'Seen' }).press('Enter')
  expect(await page.locator('.entry:visible', { hasText: 'tuntun' }).count()).toBe(0)
})
