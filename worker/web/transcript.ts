import type { StorageRuntime, Store, StoreValueChange, StoreWatch } from 'botshelf'

/** One message of a conversation. */
export interface TranscriptLine {
  readonly id: string
  /** When it was sent, in milliseconds since 1970. */
  readonly at: number
  readonly author: string
  readonly text: string
  /** `note`: the page's own, such as why there is no reply. */
  readonly from: 'person' | 'bot' | 'note'
  /** Whether sending it failed. */
  readonly isFailed?: boolean
}

interface StoredTranscript {
  lines: TranscriptLine[]
}

const MAX_LINES = 200
const MAX_CHARACTERS = 256 * 1024

/**
 * The conversation with one bot, stored in this browser apart from the bot's data, and shared with
 * other tabs. Lines that cannot be stored are kept in memory.
 */
export class Transcript {
  readonly #onChange: (lines: readonly TranscriptLine[]) => void
  #stored: readonly TranscriptLine[] = []
  #unstored: readonly TranscriptLine[] = []
  #store: Store<StoredTranscript> | undefined
  #isClosed = false

  /** @param onChange receives all lines, oldest first, whenever one changes */
  constructor(onChange: (lines: readonly TranscriptLine[]) => void) {
    this.#onChange = onChange
  }

  /**
   * Loads the conversation with a bot, and follows what other tabs add to it.
   *
   * @throws StoreError if the browser's storage cannot be opened or read
   */
  async open(backend: string, runtime: StorageRuntime): Promise<void> {
    const store = await runtime.open<StoredTranscript>(backend)
    if (this.#isClosed) {
      await store.close()
      return
    }
    this.#store = store
    const changes = store.watch({ values: true })
    this.#setStored(await store.get('lines'))
    void this.#follow(changes)
  }

  /** Adds a line, or replaces the one with its id; resolves to whether it was stored. */
  async put(line: TranscriptLine): Promise<boolean> {
    this.#unstored = withLine(this.#unstored, line)
    this.#notify()
    if (this.#store === undefined) return false
    try {
      const lines = await this.#store.update('lines', (stored = []) => [
        ...lastLines(withLine(stored, line)),
      ])
      this.#setStored(lines)
      return true
    } catch {
      return false
    }
  }

  close(): void {
    this.#isClosed = true
    this.#store?.[Symbol.asyncDispose]().catch(() => {})
  }

  async #follow(changes: StoreWatch<StoreValueChange<StoredTranscript>>): Promise<void> {
    try {
      for await (const { value } of changes) this.#setStored(value)
    } catch {
      // The store was closed or lost. The lines stay visible.
    }
  }

  #setStored(stored: readonly TranscriptLine[] = []): void {
    this.#stored = stored
    // Keep a line in memory until exactly this version of it is stored.
    this.#unstored = this.#unstored.filter(
      (line) => !stored.some(({ id, isFailed }) => id === line.id && isFailed === line.isFailed),
    )
    this.#notify()
  }

  #notify(): void {
    if (this.#isClosed) return
    this.#onChange(this.#unstored.reduce(withLine, this.#stored).toSorted((a, b) => a.at - b.at))
  }
}

function withLine(
  lines: readonly TranscriptLine[],
  line: TranscriptLine,
): readonly TranscriptLine[] {
  const index = lines.findIndex(({ id }) => id === line.id)
  return index === -1 ? [...lines, line] : lines.with(index, line)
}

/** Returns the last lines that fit the limits, and always at least one. */
function lastLines(lines: readonly TranscriptLine[]): readonly TranscriptLine[] {
  let characters = 0
  const tooOld = lines.findLastIndex(({ text }) => (characters += text.length) > MAX_CHARACTERS)
  return lines.slice(Math.min(tooOld + 1, lines.length - 1)).slice(-MAX_LINES)
}
