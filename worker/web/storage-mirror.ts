import { byCodeUnit } from 'botshelf/backup'

/** The keys that changed, by namespace. A namespace may be listed without keys. */
export type ChangedKeys = ReadonlyMap<string, ReadonlySet<string>>

/**
 * The page's copy of a bot's stored data: values as text of `botshelf/codec`, by namespace and key.
 * Calls `onChange` at most once per animation frame, with everything that changed since the last call.
 */
export class StorageMirror {
  readonly #namespaces = new Map<string, Map<string, string>>()
  readonly #onChange: (changed: ChangedKeys) => void
  #changed = new Map<string, Set<string>>()
  #isFrameRequested = false

  constructor(onChange: (changed: ChangedKeys) => void) {
    this.#onChange = onChange
  }

  /** Returns the namespaces, sorted by code unit. */
  namespaces(): readonly string[] {
    return [...this.#namespaces.keys()].toSorted(byCodeUnit)
  }

  /** Returns the entries of a namespace; empty if there is no such namespace. */
  entries(namespace: string): ReadonlyMap<string, string> {
    return this.#namespaces.get(namespace) ?? new Map()
  }

  set(namespace: string, key: string, text: string): void {
    const entries = this.#getOrCreate(namespace)
    if (entries.get(key) === text) return
    entries.set(key, text)
    this.#markChanged(namespace, key)
  }

  delete(namespace: string, key: string): void {
    if (this.#namespaces.get(namespace)?.delete(key)) this.#markChanged(namespace)
  }

  /** Replaces all entries of a namespace. */
  replace(namespace: string, entries: ReadonlyMap<string, string>): void {
    const known = this.#getOrCreate(namespace)
    for (const key of known.keys()) if (!entries.has(key)) this.delete(namespace, key)
    for (const [key, text] of entries) this.set(namespace, key, text)
  }

  /** Removes every namespace that is not in `namespaces`. */
  retain(namespaces: readonly string[]): void {
    for (const namespace of this.#namespaces.keys()) {
      if (namespaces.includes(namespace)) continue
      this.#namespaces.delete(namespace)
      this.#markChanged(namespace)
    }
  }

  /** Calls `onChange` in the next frame, even if nothing changed. */
  requestChange(): void {
    if (this.#isFrameRequested) return
    this.#isFrameRequested = true
    requestAnimationFrame(() => {
      this.#isFrameRequested = false
      const changed = this.#changed
      this.#changed = new Map()
      this.#onChange(changed)
    })
  }

  #getOrCreate(namespace: string): Map<string, string> {
    let entries = this.#namespaces.get(namespace)
    if (entries === undefined) {
      this.#namespaces.set(namespace, (entries = new Map()))
      this.#markChanged(namespace)
    }
    return entries
  }

  #markChanged(namespace: string, key?: string): void {
    let keys = this.#changed.get(namespace)
    if (keys === undefined) this.#changed.set(namespace, (keys = new Set()))
    if (key !== undefined) keys.add(key)
    this.requestChange()
  }
}
