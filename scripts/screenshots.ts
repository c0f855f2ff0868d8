// Takes the screenshots of the page in docs/screenshots, from a Worker of its own:
// npm run screenshots
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { type BrowserContextOptions, chromium, type Page } from 'playwright'
import { chromiumLaunch } from './chromium.ts'
import { freePort, startDevServer } from './dev-server.ts'

const OUT_DIR = fileURLToPath(new URL('../docs/screenshots', import.meta.url))
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
if (port === undefined) throw new Error('Found no free port.')
const server = await startDevServer({ port, token: TOKEN, state })
const browser = await chromium.launch(chromiumLaunch())
try {
  await mkdir(OUT_DIR, { recursive: true })
  await takeAll(`${server.url}/#token=${TOKEN}`)
} finally {
  await browser.close()
  await server.stop()
  await rm(state, { recursive: true, force: true })
}
process.exit()

async function takeAll(url: string): Promise<void> {
  const light = await open(url, DESKTOP)
  await takeScreenshot(light, 'first-visit')
  await chat(light)
  await replay(light)
  await takeScreenshot(light, 'light')
  const backup = await download(light)
  await light.getByRole('radio', { name: /Durable Object/ }).check()
  await chat(light)
  await send(light, '!learn milk = in the fridge')
  await restore(light, backup)
  await takeScreenshot(light, 'restore')
  const dark = await open(url, { ...DESKTOP, colorScheme: 'dark' })
  await dark.getByRole('radio', { name: /Durable Object/ }).check()
  await dark.locator('.entry').first().waitFor()
  await chat(dark)
  await replay(dark)
  await takeScreenshot(dark, 'dark')
  const phone = await open(url, PHONE)
  await chat(phone)
  await phone.evaluate(() => scrollTo(0, 0))
  await takeScreenshot(phone, 'phone')
  await replay(phone)
  await phone.evaluate(() => document.querySelector('#inspector')?.scrollIntoView())
  await takeScreenshot(phone, 'phone-inspector')
  const denied = await open(url, { ...PHONE, colorScheme: 'dark' }, () => {
    Object.defineProperty(globalThis, 'indexedDB', { value: undefined })
  })
  await takeScreenshot(denied, 'phone-denied')
}

async function open(
  url: string,
  options: BrowserContextOptions,
  initScript?: () => void,
): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  if (initScript !== undefined) await context.addInitScript(initScript)
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

async function chat(page: Page): Promise<void> {
  await page.getByLabel('Your name').fill('ann')
  await send(page, '!learn tea = green, no sugar')
  await send(page, '!tea | bob')
  await send(page, 'bob++ for the tea')
  await send(page, '!todo add milk')
}

async function send(page: Page, text: string): Promise<void> {
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

/** Takes a screenshot of the viewport, after the marks of changed entries have faded. */
async function takeScreenshot(page: Page, name: string): Promise<void> {
  await page.waitForFunction(() => document.querySelector('.changed') === null)
  await page.screenshot({ path: join(OUT_DIR, `${name}.png`) })
  console.log(`docs/screenshots/${name}.png`)
}
