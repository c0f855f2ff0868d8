import { byCodeUnit } from 'botshelf/backup'

/** The keys of each namespace that changed since the last look. */
export type Touched = ReadonlyMap<string, ReadonlySet<string>>

/**
 * What a place keeps, as the page knows it: namespaces, keys, and values as text of
 * `botshelf/codec`. Whoever follows it is told once a frame, however much changed.
 */
export class StorageMirror {
  readonly #namespaces = new Map<string, Map<string, string>>()
  readonly #onChange: (touched: Touched) => void
  #touched = new Map<string, Set<string>>()
  #awaitsFrame = false

  constructor(onChange: (touched: Touched) => void) {
    this.#onChange = onChange
  }

  /** The namespaces in the order of their names. */
  namespaces(): readonly string[] {
    return [...this.#namespaces.keys()].toSorted(byCodeUnit)
  }

  entries(namespace: string): ReadonlyMap<string, string> {
    return this.#namespaces.get(namespace) ?? new Map()
  }

  set(namespace: string, key: string, text: string): void {
    const keys = this.#open(namespace)
    if (keys.get(key) === text) return
    keys.set(key, text)
    this.#touch(namespace, key)
  }

  remove(namespace: string, key: string): void {
    if (this.#namespaces.get(namespace)?.delete(key)) this.#touch(namespace)
  }

  /** Makes a namespace hold exactly these entries. */
  replace(namespace: string, entries: ReadonlyMap<string, string>): void {
    const keys = this.#open(namespace)
    for (const key of keys.keys()) if (!entries.has(key)) this.remove(namespace, key)
    for (const [key, text] of entries) this.set(namespace, key, text)
  }

  /** Forgets the namespaces that are not among these. */
  keepOnly(namespaces: readonly string[]): void {
    for (const namespace of this.#namespaces.keys()) {
      if (namespaces.includes(namespace)) continue
      this.#namespaces.delete(namespace)
      this.#touch(namespace)
    }
  }

  /** Has it drawn, even if nothing changed. */
  draw(): void {
    if (this.#awaitsFrame) return
    this.#awaitsFrame = true
    requestAnimationFrame(() => {
      this.#awaitsFrame = false
      const touched = this.#touched
      this.#touched = new Map()
      this.#onChange(touched)
    })
  }

  #open(namespace: string): Map<string, string> {
    let keys = this.#namespaces.get(namespace)
    if (keys === undefined) {
      this.#namespaces.set(namespace, (keys = new Map()))
      this.#touch(namespace)
    }
    return keys
  }

  #touch(namespace: string, key?: string): void {
    let keys = this.#touched.get(namespace)
    if (keys === undefined) this.#touched.set(namespace, (keys = new Set()))
    if (key !== undefined) keys.add(key)
    this.draw()
  }
}
