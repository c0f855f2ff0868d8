import { readAll, formatBackup } from 'botshelf/backup'
import { persist } from 'botshelf/indexeddb'
import { EXCLUDED_FROM_BACKUP } from '../bot/excluded-from-backup.ts'
import { LOG_EXCERPT } from '../bot/excerpt.ts'
import { type LogEvent, readLog } from '../bot/irc-log.ts'
import { BACKEND_LABELS } from './backend-picker.ts'
import type { BotClient } from './bot-client.ts'
import { createElement } from './dom.ts'
import { describeError, formatCount } from './messages.ts'
import type { OnProgress } from './task-status.ts'

const DOWNLOAD_URL_LIFETIME_MS = 60_000

/** Downloads the bot's data as a backup file; resolves to a message for the user. */
export async function downloadBackup(client: BotClient, onProgress: OnProgress): Promise<string> {
  const target = await client.backupTarget()
  const contents = await readAll(target, {
    excludedNamespaces: EXCLUDED_FROM_BACKUP,
    onProgress: ({ namespaces, of }) => onProgress(namespaces, of),
  }).catch((error: unknown) => {
    throw new Error(`No backup was made. ${describeError(error)}`)
  })
  const at = new Date().toISOString()
  const text = await formatBackup({ at, storage: client.storage, contents })
  const fileName = `bot-${client.backend}-${at.slice(0, 10)}.jsonl`
  const link = createElement('a', '')
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/x-ndjson' }))
  link.download = fileName
  link.click()
  // The browser reads the blob some time after the click, even after a file dialog. A download that
  // has begun does not need the URL.
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_URL_LIFETIME_MS)
  const size = [...contents.values()].reduce((sum, entries) => sum + entries.size, 0)
  const count = formatCount(size, 'entry', 'entries')
  return `Backed up ${count} from ${BACKEND_LABELS[client.backend]} to ${fileName}.`
}

/** Sends the log that comes with the page to the bot; resolves to a message for the user. */
export async function replayExcerpt(client: BotClient, onProgress: OnProgress): Promise<string> {
  const events = await loadExcerpt()
  await client.replay(events, LOG_EXCERPT.room, (count) => onProgress(count, events.length))
  client.refresh()
  const count = formatCount(events.length, 'event', 'events')
  return `Replayed ${count} of ${LOG_EXCERPT.room} into ${BACKEND_LABELS[client.backend]}.`
}

async function loadExcerpt(): Promise<readonly LogEvent[]> {
  const response = await fetch(LOG_EXCERPT.path).catch(() => undefined)
  if (!response?.ok) {
    throw new Error('The log could not be loaded. Check that you are online, then try again.')
  }
  return [...readLog(await response.text(), LOG_EXCERPT.midnight)]
}

/** Asks the browser not to evict the page's data; resolves to a message for the user. */
export async function requestPersistence(): Promise<string> {
  return (await persist())
    ? 'The browser keeps this data even when it runs low on space.'
    : 'The browser may delete this data when it runs low on space. To keep a copy, back it up.'
}
