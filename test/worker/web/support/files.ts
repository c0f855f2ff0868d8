import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright'

/** Downloads a backup of the place that is shown. */
export async function download(page: Page): Promise<{ name: string; text: string }> {
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Back up' }).click()
  const file = await downloading
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') }
}

/** What a backup holds, without what its first line says of itself. */
export function entries(text: string): readonly string[] {
  return text.split('\n').slice(1)
}

/** Chooses a file to be restored. */
export async function choose(page: Page, name: string, text: string): Promise<void> {
  const choosing = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Restore …' }).click()
  const file = { name, mimeType: 'application/x-ndjson', buffer: Buffer.from(text) }
  await (await choosing).setFiles(file)
}
