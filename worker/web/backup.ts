import { readAll, writeBackup } from 'botshelf/backup'
import { EXCLUDED_FROM_BACKUP } from '../bot/excluded-from-backup.ts'
import { create } from './dom.ts'
import type { BotClient } from './home.ts'
import { CALLED } from './places.ts'
import { count } from './words.ts'
import type { Report } from './work.ts'

/** Hands a place's data to the person as a file; resolves to a sentence. */
export async function downloadBackup(home: BotClient, report: Report): Promise<string> {
  const contents = await readAll(await home.data(), {
    excludedNamespaces: EXCLUDED_FROM_BACKUP,
    onProgress: ({ namespaces, of }) => report(namespaces, of),
  })
  const at = new Date().toISOString()
  const text = writeBackup({ at, storage: home.storage, contents })
  const name = `bot-${home.name}-${at.slice(0, 10)}.jsonl`
  const link = create('a', '')
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/x-ndjson' }))
  link.download = name
  link.click()
  // The browser reads the text only later, even after it has asked where to put it; a download that
  // has begun goes on without the address.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
  const entries = [...contents.values()].reduce((sum, { size }) => sum + size, 0)
  return `${count(entries, 'entry', 'entries')} of ${CALLED[home.name]} went into ${name}.`
}
