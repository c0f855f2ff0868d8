import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright'

/** Downloads a backup from the page. */
export async function downloadBackup(page: Page): Promise<{ name: string; text: string }> {
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Back up' }).click()
  const file = await downloading
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') }
}

/**
 * Returns the lines of a backup without its header, which has a date and the storage's name, and without
 * the digest of all lines.
 */
export function linesWithoutHeader(text: string): readonly string[] {
  const lines = text.split('\n').slice(1)
  return lines.map((line) => line.replace(/^(\{"entries":\d+),"sha256":"[\da-f]{64}"\}$/, '$1}'))
}

/** Chooses a file to restore. */
export async function chooseBackup(page: Page, name: string, text: string): Promise<void> {
  const choosing = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Restore …' }).click()
  const file = { name, mimeType: 'application/x-ndjson', buffer: Buffer.from(text) }
  await (await choosing).setFiles(file)
}
