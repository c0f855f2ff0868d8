import { indexeddb, persist } from 'botshelf/indexeddb'
import { type RuntimeEvent, StorageRuntime } from 'botshelf'
import { findBot } from '../bot/find-bot.ts'
import { downloadBackup } from './backup.ts'
import { Chart, numberIn } from './chart.ts'
import { Chat } from './chat.ts'
import { element } from './dom.ts'
import { RemoteBotClient, edgeUrl } from './edge-home.ts'
import type { BotClient } from './home.ts'
import { Inspector } from './inspector.ts'
import { Notice } from './notice.ts'
import { type EdgeName, isEdgeName, PlaceSwitch } from './places.ts'
import { replayExcerpt } from './replay.ts'
import { Restore } from './restore.ts'
import { LocalBotClient } from './tab-home.ts'
import { Session } from './visit.ts'
import { DATA_LOST, troubleWords } from './words.ts'
import { Work } from './work.ts'

const EDGE_WITHIN = 3_000
const EDGE_OFFERED_WITHIN = 30_000
const LOOKING = 'Looking for the edge …'
const AGAIN = 'Choose it again when that is done.'

const backupButton = element('backup', HTMLButtonElement)
const restoreButton = element('restore-open', HTMLButtonElement)
const restoreFile = element('restore-file', HTMLInputElement)
const persistButton = element('persist', HTMLButtonElement)
const replayButton = element('replay-start', HTMLButtonElement)
const buttons = [backupButton, restoreButton, persistButton, replayButton]

const notice = new Notice()
const onTrouble = (error: unknown): void => notice.show(troubleWords(error))
const work = new Work({ status: 'status', progress: 'progress' }, buttons)
const view = {
  chat: new Chat(onTrouble),
  inspector: new Inspector(),
  charts: [
    new Chart('asked', 'Factoids', (key, value) => [key, numberIn(value, 'asked')]),
    new Chart('talkers', 'Seen', (key, value) => [key, numberIn(value, 'messages')]),
  ],
}
const restore = new Restore((sentence) => work.say(sentence))
// What was said is the page's affair, not the bot's: it has a database of its own.
const pageData = StorageRuntime.start(
  { STORAGE: indexeddb.name, STORAGE_CONFIG: { database: 'bot-page', openTimeout: 3_000 } },
  [indexeddb],
)

const tab = new LocalBotClient(onEvent)
const edges = new Map<EdgeName, RemoteBotClient>()
let visit: Session | undefined
const places = new PlaceSwitch(moveTo)

window.addEventListener('hashchange', moveTo)
backupButton.addEventListener('click', () => {
  doHere('Reading everything …', (home, report) => downloadBackup(home, report))
})
replayButton.addEventListener('click', () => {
  doHere('The bot is listening to the log …', (home, report) => replayExcerpt(home, report))
})
persistButton.addEventListener('click', () => doHere('Asking the browser …', askToPersist))
restoreButton.addEventListener('click', () => {
  if (!work.running) restoreFile.click()
})
restoreFile.addEventListener('change', () => {
  const [file] = restoreFile.files ?? []
  // So that the same file can be chosen again.
  restoreFile.value = ''
  if (file === undefined) return
  if (work.running) notice.show(`${file.name} was not read: something else is being done. ${AGAIN}`)
  else doHere(`Reading ${file.name} …`, (home) => restore.offer(file, home))
})
places.begin()
void offerEdge()

async function offerEdge(): Promise<void> {
  // Nobody who is kept waiting for it waits longer; found later, it is offered all the same.
  setTimeout(() => places.goOn(), EDGE_WITHIN)
  const edge = await findBot(edgeUrl(), EDGE_OFFERED_WITHIN)
  if (edge !== undefined) {
    for (const { name } of edge.storages) {
      if (isEdgeName(name)) edges.set(name, new RemoteBotClient(name, edge, moveTo))
    }
  }
  places.offer([...edges.keys()])
}

/** Goes to the place that is chosen, or comes to it anew. */
function moveTo(): void {
  visit?.end()
  notice.clear()
  const { place } = places
  if (place === undefined) {
    wait()
    return
  }
  const home = place === 'tab' ? tab : (edges.get(place) ?? tab)
  const closed = home.closed() !== undefined
  for (const button of buttons) button.disabled = closed
  persistButton.classList.toggle('absent', home !== tab)
  element('admin', HTMLSpanElement).hidden = closed
  if (!work.running) work.say('')
  visit = new Session(home, pageData, view, onTrouble)
}

/** Waits for the edge, which the person chose last time. */
function wait(): void {
  for (const button of buttons) button.disabled = true
  persistButton.classList.add('absent')
  view.chat.wait(LOOKING)
  view.inspector.say(LOOKING)
}

function doHere(
  sentence: string,
  task: (home: BotClient, report: (done: number, of: number) => void) => Promise<string>,
): void {
  if (visit === undefined) return
  const { home } = visit
  void work.run(sentence, (report) => task(home, report))
}

async function askToPersist(): Promise<string> {
  return (await persist())
    ? 'The browser keeps what is here, even when it runs short of room.'
    : 'The browser promises nothing: when it runs short of room it may clear what is here. A backup is safe.'
}

function onEvent({ type }: RuntimeEvent): void {
  if (type === 'data-lost') notice.show(DATA_LOST)
}
