import type { StorageRuntime } from 'botshelf'
import { NamespaceError } from 'botshelf/backup'
import type { Chart } from './chart.ts'
import type { Chat } from './chat.ts'
import type { BotClient } from './home.ts'
import type { Inspector } from './inspector.ts'
import { StorageMirror, type Touched } from './shelf.ts'
import { Transcript } from './transcript.ts'
import { troubleWords } from './words.ts'

/** What shows a place. */
export interface View {
  readonly chat: Chat
  readonly inspector: Inspector
  readonly charts: readonly Chart[]
}

const PRIVACY = {
  tab: 'What you say stays in this browser.',
  edge: 'What you say goes to the bot at the edge; this browser keeps the conversation.',
}
const UNKEPT =
  'This conversation is on this screen only: the browser does not keep it for this page.'
const EMPTY = 'Nothing is kept here yet.'

/** One stay at a place: the conversation there, and what the place keeps, until it ends. */
export class Session {
  readonly home: BotClient
  readonly #view: View
  readonly #onTrouble: (error: unknown) => void
  readonly #end = new AbortController()
  #isFollowing = false

  constructor(
    home: BotClient,
    pageData: Promise<StorageRuntime>,
    view: View,
    onTrouble: (error: unknown) => void,
  ) {
    this.home = home
    this.#view = view
    this.#onTrouble = onTrouble
    void this.#talk(pageData)
    void this.#look()
  }

  end(): void {
    this.#end.abort()
  }

  get #ended(): boolean {
    return this.#end.signal.aborted
  }

  async #talk(pageData: Promise<StorageRuntime>): Promise<void> {
    const { chat } = this.#view
    const transcript = new Transcript((lines) => chat.show(lines))
    this.#end.signal.addEventListener('abort', () => transcript.close())
    chat.moveTo({
      say: (nick, text) => this.#say(nick, text),
      transcript,
      privacy: this.home.name === 'tab' ? PRIVACY.tab : PRIVACY.edge,
      unkept: UNKEPT,
      mute: this.home.mute(),
    })
    try {
      await transcript.open(this.home.name, await pageData)
    } catch {
      if (!this.#ended) chat.showUnkept()
    }
    if (!this.#ended) chat.begin()
  }

  async #say(nick: string, text: string): Promise<readonly string[]> {
    try {
      return await this.home.say(nick, text)
    } finally {
      // What could not be opened before can be now, perhaps.
      if (this.#isFollowing) this.home.look()
      else if (!this.#ended) void this.#look()
    }
  }

  async #look(): Promise<void> {
    const { inspector, charts } = this.#view
    const closed = this.home.closed()
    for (const chart of charts) chart.clear()
    inspector.say(closed ?? 'Looking …')
    if (closed !== undefined) return
    const shelf = new StorageMirror((touched) => this.#show(shelf, touched))
    inspector.follow(shelf, this.home.mute() === undefined ? `${EMPTY} Say something.` : EMPTY)
    this.#isFollowing = true
    const onTrouble = (error: unknown): void => this.#showTrouble(shelf, error)
    try {
      await this.home.follow({ shelf, onTrouble }, this.#end.signal)
      shelf.draw()
    } catch (error) {
      this.#isFollowing = false
      if (this.#ended) return
      inspector.say('There is nothing to show.')
      this.#onTrouble(error)
    }
  }

  #show(shelf: StorageMirror, touched: Touched): void {
    if (this.#ended) return
    this.#view.inspector.draw(shelf, touched)
    for (const chart of this.#view.charts) chart.draw(shelf, touched)
  }

  #showTrouble(shelf: StorageMirror, error: unknown): void {
    if (this.#ended) return
    const sentence = error === undefined ? undefined : troubleWords(error)
    // What cannot be read is not shown; the rest is as it is.
    this.#view.inspector.showTrouble(shelf, sentence, !(error instanceof NamespaceError))
  }
}
