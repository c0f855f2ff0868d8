import { noop } from '../../src/async.ts'
import type { StorageListener, StoreChange } from '../../src/storage.ts'

/** How many keys are told by name, and looked up, before it is that all may have changed. */
const MOST_KEYS = 1000
/** How long a tab that announced changes may say no more of them, in milliseconds. */
const PATIENCE = 3000
/** How long after the last of several writes the others are told of them, in milliseconds. */
const LULL = 10
/** How long that may take, however many follow, in milliseconds. */
const LONGEST = 100

/** What those who listen here are told. */
export type Told = Parameters<StorageListener>[0]

/** The keys that changed; it may be any of them. */
type Keys = readonly string[] | 'all'

/** Announces that there will be changes, or says which there were. */
type Message =
  | { readonly v: 1; readonly id: string; readonly changes: true }
  | { readonly v: 1; readonly id: string; readonly done: Keys }

/** Tells which of these keys there are. */
export type LookUp = (keys: readonly string[]) => Promise<readonly boolean[]>

/** Writes that follow upon one another: the others are told of them together. */
interface Series {
  readonly id: string
  readonly since: number
  /** What they change; `undefined` stands for all keys. */
  readonly keys: Set<string | undefined>
  underWay: number
}

/**
 * Tells the other tabs and workers of the origin what was changed here, and hears it from them.
 *
 * A message costs a fifth of what a small write does, so writes in a row share two: one when the
 * first is sent to the database, and the keys when the last has been answered.
 *
 * The second may never come, of a tab that closes, and then it is not known what has changed. And
 * it may come late, when what it tells of was changed again and told already; so the keys are
 * looked up, and what is told is how they are.
 */
export class ChangeBroadcast {
  readonly #channel: BroadcastChannel
  readonly #lookUp: LookUp
  readonly #listeners = new Set<StorageListener>()
  readonly #announced = new Map<string, ReturnType<typeof setTimeout>>()
  readonly #heard = new Set<string>()
  readonly #id: string = crypto.getRandomValues(new Uint32Array(2)).join('-')
  #sent = 0
  #series: Series | undefined
  #lull: ReturnType<typeof setTimeout> | undefined
  #heardAll = false
  #lookingUp: Promise<void> | undefined

  constructor(database: string, lookUp: LookUp) {
    this.#lookUp = lookUp
    this.#channel = new BroadcastChannel(`botshelf:${database}`)
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      // Announced before somebody listens here, it may take hold after.
      this.#receive(data)
    })
  }

  /** Announces changes to others. Call what it returns when the database has answered. */
  announce(changes: readonly StoreChange[]): () => void {
    if (changes.length === 0) return noop
    clearTimeout(this.#lull)
    let series = this.#series
    if (series === undefined) {
      const id = `${this.#id}.${this.#sent++}`
      this.#series = series = { id, since: performance.now(), keys: new Set(), underWay: 0 }
      this.#post({ v: 1, id, changes: true })
    }
    const { since, keys } = series
    for (const { key } of changes) keys.add(key)
    series.underWay++
    return () => {
      if (--series.underWay > 0) return
      if (performance.now() - since > LONGEST) this.#done()
      else this.#lull = setTimeout(() => this.#done(), LULL)
    }
  }

  /** Tells those who listen here. */
  tell(changes: readonly Told[]): void {
    for (const listener of this.#listeners) for (const change of changes) listener(change)
  }

  listen(listener: StorageListener): () => void {
    // Of its own, so that one function can listen twice.
    const own: StorageListener = (change) => listener(change)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  async close(): Promise<void> {
    this.#done()
    this.#channel.close()
    this.#listeners.clear()
    for (const timer of this.#announced.values()) clearTimeout(timer)
    await this.#lookingUp
  }

  #done(): void {
    clearTimeout(this.#lull)
    if (this.#series === undefined) return
    const { id, keys } = this.#series
    this.#series = undefined
    const names = [...keys].filter((key) => key !== undefined)
    const isAll = names.length < keys.size || names.length > MOST_KEYS
    this.#post({ v: 1, id, done: isAll ? 'all' : names })
  }

  #post(message: Message): void {
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has none
      this.#channel.postMessage(message)
    } catch {
      // What is stored is stored, whoever heard of it.
    }
  }

  #receive(data: unknown): void {
    const { v, id, changes, done } = (data ?? {}) as Record<string, unknown>
    if (typeof v !== 'number' || typeof id !== 'string') return
    // Of a later version: something has changed, and it is not known what.
    if (v !== 1) this.#hear('all')
    else if (isKeys(done)) {
      clearTimeout(this.#announced.get(id))
      this.#announced.delete(id)
      this.#hear(done)
    } else if (changes === true) {
      const late = setTimeout(() => {
        this.#announced.delete(id)
        this.#hear('all')
      }, PATIENCE)
      this.#announced.set(id, late)
    }
  }

  #hear(keys: Keys): void {
    if (this.#listeners.size === 0) return
    if (keys !== 'all') for (const key of keys) this.#heard.add(key)
    if (keys === 'all' || this.#heard.size > MOST_KEYS) {
      this.#heard.clear()
      this.#heardAll = true
    }
    this.#lookingUp ??= this.#tellHeard().finally(() => {
      this.#lookingUp = undefined
    })
  }

  async #tellHeard(): Promise<void> {
    while (this.#heardAll || this.#heard.size > 0) {
      const keys = [...this.#heard]
      const all = this.#heardAll
      this.#heard.clear()
      this.#heardAll = false
      const found = all ? undefined : await this.#lookUp(keys).catch(noop)
      this.tell(
        found === undefined
          ? [{ kind: 'unknown' }]
          : keys.map((key, at) => ({ kind: found[at] ? 'set' : 'remove', key })),
      )
    }
  }
}

function isKeys(keys: unknown): keys is Keys {
  return keys === 'all' || (Array.isArray(keys) && keys.every((key) => typeof key === 'string'))
}
