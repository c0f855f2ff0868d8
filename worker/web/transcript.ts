import type { StorageRuntime, Store } from 'botshelf'

/** One line of a conversation. */
export interface Line {
  readonly id: string
  /** When it was said, in milliseconds since 1970. */
  readonly at: number
  readonly who: string
  readonly text: string
  readonly from: 'person' | 'bot'
  /** Was it never heard? */
  readonly failed?: boolean
}

interface Kept {
  lines: Line[]
}

const MOST_LINES = 200
const MOST_CHARACTERS = 256 * 1024

/**
 * What was said at one place, kept in the browser apart from the bot's own data, and shared with
 * its other tabs. What cannot be kept is on this screen only.
 */
export class Transcript {
  readonly #onChange: (lines: readonly Line[]) => void
  #kept: readonly Line[] = []
  #unkept: readonly Line[] = []
  #store: Store<Kept> | undefined
  #closed = false

  constructor(onChange: (lines: readonly Line[]) => void) {
    this.#onChange = onChange
  }

  /**
   * Shows what was kept of a place, and from now on what other tabs add.
   *
   * @throws StoreError what the browser says
   */
  async open(place: string, runtime: StorageRuntime): Promise<void> {
    const store = await runtime.open<Kept>(place)
    if (this.#closed) {
      await store.close()
      return
    }
    this.#store = store
    const changes = store.watch()
    this.#take(await store.get('lines'))
    void this.#follow(store, changes)
  }

  /** Adds a line, or changes the one with its id; resolves to whether it is kept. */
  async put(line: Line): Promise<boolean> {
    this.#unkept = put(this.#unkept, line)
    this.#show()
    if (this.#store === undefined) return false
    try {
      this.#take(
        await this.#store.update('lines', (lines = []) => bounded(put(lines, line)).slice()),
      )
      return true
    } catch {
      return false
    }
  }

  close(): void {
    this.#closed = true
    this.#store?.[Symbol.asyncDispose]().catch(() => {})
  }

  async #follow(store: Store<Kept>, changes: ReturnType<Store<Kept>['watch']>): Promise<void> {
    try {
      for await (const { kind } of changes) {
        this.#take(kind === 'clear' ? undefined : await store.get('lines'))
      }
    } catch {
      // The store is closed, or lost: what is shown stays shown.
    }
  }

  #take(kept: readonly Line[] = []): void {
    this.#kept = kept
    // What is kept as it is here waits no longer; what changed since does.
    this.#unkept = this.#unkept.filter(
      (line) => !kept.some(({ id, failed }) => id === line.id && failed === line.failed),
    )
    this.#show()
  }

  #show(): void {
    if (!this.#closed) {
      this.#onChange(this.#unkept.reduce(put, this.#kept).toSorted((a, b) => a.at - b.at))
    }
  }
}

function put(lines: readonly Line[], line: Line): readonly Line[] {
  const index = lines.findIndex(({ id }) => id === line.id)
  return index === -1 ? [...lines, line] : lines.with(index, line)
}

/** The last lines, as many as are kept. */
function bounded(lines: readonly Line[]): readonly Line[] {
  let characters = 0
  const from = lines.findLastIndex(({ text }) => (characters += text.length) > MOST_CHARACTERS)
  // The last line is kept, however long.
  return lines.slice(Math.min(from + 1, lines.length - 1)).slice(-MOST_LINES)
}
