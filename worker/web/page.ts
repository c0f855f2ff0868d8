import { type RuntimeEvent, StorageRuntime } from 'botshelf'
import { indexeddb } from 'botshelf/indexeddb'
import { findBot } from '../bot/find-bot.ts'
import { BackendPicker, isRemoteBackend, type RemoteBackendName } from './backend-picker.ts'
import { BarChart, numberProperty } from './bar-chart.ts'
import type { BotClient } from './bot-client.ts'
import { Chat } from './chat.ts'
import { getElement } from './dom.ts'
import { Inspector } from './inspector.ts'
import { LocalBotClient } from './local-bot-client.ts'
import { DATA_LOST } from './messages.ts'
import { botUrl, RemoteBotClient } from './remote-bot-client.ts'
import { RestoreDialog } from './restore-dialog.ts'
import { Session } from './session.ts'
import { type OnProgress, TaskStatus } from './task-status.ts'
import { downloadBackup, replayExcerpt, requestPersistence } from './tasks.ts'

// The page waits so long for the Worker that was used last time, then starts the bot in the tab.
const WORKER_WAIT_MS = 3_000
const WORKER_TIMEOUT_MS = 30_000
const CONNECTING = 'Connecting to the Worker …'

const backupButton = getElement('backup', HTMLButtonElement)
const restoreButton = getElement('restore-open', HTMLButtonElement)
const restoreFile = getElement('restore-file', HTMLInputElement)
const persistButton = getElement('persist', HTMLButtonElement)
const replayButton = getElement('replay-start', HTMLButtonElement)
const buttons = [backupButton, restoreButton, persistButton, replayButton]

const task = new TaskStatus({ status: 'status', progress: 'progress' }, buttons)
const views = {
  chat: new Chat(),
  inspector: new Inspector(),
  charts: [
    new BarChart('asked', 'Factoids', (key, value) => ({
      name: key,
      count: numberProperty(value, 'asked'),
    })),
    new BarChart('talkers', 'Seen', (key, value) => ({
      name: key,
      count: numberProperty(value, 'messages'),
    })),
  ],
}
const restoreDialog = new RestoreDialog((message) => task.show(message))
// Conversations are stored in a database of their own, so that a backup holds only the bot's data.
const pageRuntime = StorageRuntime.start(
  { STORAGE: indexeddb.name, STORAGE_CONFIG: { database: 'bot-page', openTimeout: 3_000 } },
  [indexeddb],
)

const localClient = new LocalBotClient(onRuntimeEvent)
const remoteClients = new Map<RemoteBackendName, RemoteBotClient>()
let session: Session | undefined
const picker = new BackendPicker(startSession)

window.addEventListener('hashchange', startSession)
backupButton.addEventListener('click', () => {
  runTask('Reading all entries …', downloadBackup)
})
replayButton.addEventListener('click', () => {
  runTask('Replaying the log …', replayExcerpt)
})
persistButton.addEventListener('click', () => {
  runTask('Asking the browser …', requestPersistence)
})
restoreButton.addEventListener('click', () => {
  if (!task.isRunning) restoreFile.click()
})
restoreFile.addEventListener('change', () => {
  const [file] = restoreFile.files ?? []
  // Without this, choosing the same file again fires no `change` event.
  restoreFile.value = ''
  if (file === undefined) return
  if (task.isRunning) {
    views.chat.showError(
      `${file.name} was not read, because another task is running. Wait until it ends, then choose the file again.`,
    )
  } else {
    runTask(`Reading ${file.name} …`, (client) => restoreDialog.open(file, client))
  }
})
picker.start()
void findWorker()

async function findWorker(): Promise<void> {
  setTimeout(() => picker.stopWaiting(), WORKER_WAIT_MS)
  const bot = await findBot(botUrl(), WORKER_TIMEOUT_MS)
  for (const { name } of bot?.storages ?? []) {
    if (bot !== undefined && isRemoteBackend(name)) {
      remoteClients.set(name, new RemoteBotClient(name, bot, startSession))
    }
  }
  picker.enable([...remoteClients.keys()])
}

/** Ends the session and starts one with the chosen backend. */
function startSession(): void {
  session?.end()
  views.chat.clearError()
  const { backend } = picker
  if (backend === undefined) {
    showWaiting()
    return
  }
  const client = backend === 'tab' ? localClient : (remoteClients.get(backend) ?? localClient)
  const isHidden = client.dataHiddenReason() !== undefined
  for (const button of buttons) button.disabled = isHidden
  persistButton.classList.toggle('invisible', client !== localClient)
  getElement('operator', HTMLSpanElement).hidden = isHidden
  if (!task.isRunning) task.show('')
  session = new Session(client, pageRuntime, views)
}

/** Shows that the page waits for the Worker. */
function showWaiting(): void {
  for (const button of buttons) button.disabled = true
  persistButton.classList.add('invisible')
  views.chat.showLoading(CONNECTING)
  views.inspector.showMessage(CONNECTING)
}

function runTask(
  message: string,
  run: (client: BotClient, onProgress: OnProgress) => Promise<string>,
): void {
  if (session === undefined) return
  const { client } = session
  void task.run(message, (onProgress) => run(client, onProgress))
}

function onRuntimeEvent({ type }: RuntimeEvent): void {
  if (type === 'data-lost') views.chat.showError(DATA_LOST)
}
