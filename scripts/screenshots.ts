// Takes the pictures of the page in docs/screenshots, from a Worker that starts for them alone:
// npm run screenshots
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright'
import { chromiumLaunch } from './chromium.ts'
import { freePort, startDevServer } from './dev-server.ts'

const FOLDER = fileURLToPath(new URL('../docs/screenshots', import.meta.url))
const TOKEN = 'screenshots'
const DESKTOP = { viewport: { width: 1280, height: 860 } }
const PHONE = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
}

const state = await mkdtemp(join(tmpdir(), 'botshelf-screenshots-'))
const port = await freePort()
if (port === undefined) throw new Error('No port is free.')
const server = await startDevServer({ port, token: TOKEN, state })
const browser = await chromium.launch(chromiumLaunch())
try {
  await mkdir(FOLDER, { recursive: true })
  await takeAll(browser, `${server.url}/#token=${TOKEN}`)
} finally {
  await browser.close()
  await server.stop()
  await rm(state, { recursive: true, force: true })
}
process.exit()

async function takeAll(on: Browser, url: string): Promise<void> {
  const light = await open(on, url, DESKTOP)
  await take(light, 'first-visit')
  await talk(light)
  await replay(light)
  await take(light, 'light')
  const backup = await download(light)
  await light.getByRole('radio', { name: /Durable Object/ }).check()
  await talk(light)
  await say(light, '!learn milk = in the fridge')
  await restore(light, backup)
  await take(light, 'restore')
  const dark = await open(on, url, { ...DESKTOP, colorScheme: 'dark' })
  await dark.getByRole('radio', { name: /Durable Object/ }).check()
  await dark.locator('.entry').first().waitFor()
  await talk(dark)
  await replay(dark)
  await take(dark, 'dark')
  const phone = await open(on, url, PHONE)
  await talk(phone)
  await phone.evaluate(() => scrollTo(0, 0))
  await take(phone, 'phone')
  await replay(phone)
  await phone.evaluate(() => document.querySelector('#inspector')?.scrollIntoView())
  await take(phone, 'phone-inspector')
  const denied = await open(on, url, { ...PHONE, colorScheme: 'dark' }, () => {
    Object.defineProperty(globalThis, 'indexedDB', { value: undefined })
  })
  await take(denied, 'phone-denied')
}

async function open(
  on: Browser,
  url: string,
  options: BrowserContextOptions,
  before?: () => void,
): Promise<Page> {
  const context = await on.newContext({ reducedMotion: 'reduce', ...options })
  if (before !== undefined) await context.addInitScript(before)
  const page = await context.newPage()
  page.on('filechooser', () => {})
  await page.goto(url)
  await page
    .locator('#stored-data > :not(:text-matches("^(Loading|Connecting)"))')
    .first()
    .waitFor()
  await page.locator('input[value="DurableObject"]:enabled').waitFor()
  return page
}

async function talk(page: Page): Promise<void> {
  await page.getByLabel('Your name').fill('ann')
  await say(page, '!learn tea = green, no sugar')
  await say(page, '!tea | bob')
  await say(page, 'bob++ for the tea')
  await say(page, '!todo add milk')
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message').fill(text)
  await page.getByLabel('Message').press('Enter')
  await page.locator('#form button[aria-disabled="false"]').waitFor()
}

async function replay(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Replay' }).click()
  await page.locator('#status', { hasText: 'Replayed' }).waitFor()
  await page.locator('#talkers li', { hasText: 'simplyubuntu' }).waitFor()
}

async function download(page: Page): Promise<string> {
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Back up' }).click()
  const file = await downloading
  const path = join(state, file.suggestedFilename())
  await file.saveAs(path)
  return path
}

async function restore(page: Page, file: string): Promise<void> {
  const choosing = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Restore …' }).click()
  await (await choosing).setFiles(file)
  await page.getByRole('radio', { name: /Replace/ }).check()
}

/** Takes what is seen, once nothing is marked as changed any more. */
async function take(page: Page, name: string): Promise<void> {
  await page.waitForFunction(() => document.querySelector('.changed') === null)
  await page.screenshot({ path: join(FOLDER, `${name}.png`) })
  console.log(`docs/screenshots/${name}.png`)
}
