import type { StorageRuntime } from 'botshelf'
import { NamespaceError } from 'botshelf/backup'
import type { BarChart } from './bar-chart.ts'
import type { BotClient } from './bot-client.ts'
import type { Chat } from './chat.ts'
import type { Inspector } from './inspector.ts'
import { describeError } from './messages.ts'
import { type ChangedKeys, StorageMirror } from './storage-mirror.ts'
import { Transcript } from './transcript.ts'

/** The parts of the page that show a session. */
export interface SessionViews {
  readonly chat: Chat
  readonly inspector: Inspector
  readonly charts: readonly BarChart[]
}

const LOCAL_PRIVACY = 'Your messages stay in this browser.'
const REMOTE_PRIVACY =
  'Your messages go to the bot in the Worker. This browser stores the conversation.'
const UNSTORED = 'The browser does not store this conversation. Reloading the page clears it.'
const EMPTY = 'Nothing is stored here yet.'

/** Shows one bot on the page, its conversation and its stored data, until `end()`. */
export class Session {
  readonly client: BotClient
  readonly #views: SessionViews
  readonly #ended = new AbortController()
  #isSyncing = false

  /** @param pageRuntime where the page stores conversations */
  constructor(client: BotClient, pageRuntime: Promise<StorageRuntime>, views: SessionViews) {
    this.client = client
    this.#views = views
    void this.#openChat(pageRuntime)
    void this.#syncData()
  }

  end(): void {
    this.#ended.abort()
  }

  get #isEnded(): boolean {
    return this.#ended.signal.aborted
  }

  async #openChat(pageRuntime: Promise<StorageRuntime>): Promise<void> {
    const { chat } = this.#views
    const transcript = new Transcript((lines) => chat.showLines(lines))
    this.#ended.signal.addEventListener('abort', () => transcript.close())
    chat.open({
      send: (nick, text) => this.#send(nick, text),
      transcript,
      privacyNote: this.client.backend === 'tab' ? LOCAL_PRIVACY : REMOTE_PRIVACY,
      unstoredNote: UNSTORED,
      disabledReason: this.client.chatDisabledReason(),
    })
    try {
      await transcript.open(this.client.backend, await pageRuntime)
    } catch {
      if (!this.#isEnded) chat.showUnstored()
    }
    if (!this.#isEnded) chat.finishLoading()
  }

  async #send(nick: string, text: string): Promise<readonly string[]> {
    try {
      return await this.client.send(nick, text)
    } finally {
      // If the data could not be read before, try again: sending may have opened the storage.
      if (this.#isSyncing) this.client.refresh()
      else if (!this.#isEnded) void this.#syncData()
    }
  }

  async #syncData(): Promise<void> {
    const { chat, inspector, charts } = this.#views
    const hiddenReason = this.client.dataHiddenReason()
    for (const chart of charts) chart.clear()
    inspector.showMessage(hiddenReason ?? 'Loading …')
    if (hiddenReason !== undefined) return
    const mirror = new StorageMirror((changed) => this.#render(mirror, changed))
    const canChat = this.client.chatDisabledReason() === undefined
    inspector.showMirror(mirror, canChat ? `${EMPTY} Send a message.` : EMPTY)
    this.#isSyncing = true
    try {
      await this.client.syncTo(mirror, {
        signal: this.#ended.signal,
        onError: (error) => this.#showSyncError(mirror, error),
      })
      mirror.requestChange()
    } catch (error) {
      this.#isSyncing = false
      if (this.#isEnded) return
      inspector.showMessage('The stored data cannot be shown.')
      chat.showError(describeError(error))
    }
  }

  #render(mirror: StorageMirror, changed: ChangedKeys): void {
    if (this.#isEnded) return
    this.#views.inspector.render(mirror, changed)
    for (const chart of this.#views.charts) chart.render(mirror, changed)
  }

  #showSyncError(mirror: StorageMirror, error: unknown): void {
    if (this.#isEnded) return
    const message = error === undefined ? undefined : describeError(error)
    // Unreadable namespaces are not shown, and the others are up to date.
    const isStale = !(error instanceof NamespaceError)
    this.#views.inspector.showSyncError(mirror, message, { isStale })
  }
}
