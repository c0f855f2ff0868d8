import { byCodeUnit } from 'botshelf/backup'
import { decode } from 'botshelf/codec'
import { createElement, getElement } from './dom.ts'
import type { ChangedKeys, StorageMirror } from './storage-mirror.ts'

const MAX_BARS = 5

/** One bar of a {@link BarChart}. */
export interface NamedCount {
  readonly name: string
  readonly count: number
}

/** Reads the name and count of a bar from a stored entry. A count of 0 or less has no bar. */
export type ReadCount = (key: string, value: unknown) => NamedCount

/** Shows the highest counts of a namespace as bars. Screen readers get a list, such as `ompaul 17`. */
export class BarChart {
  readonly #list: HTMLOListElement
  readonly #namespace: string
  readonly #readCount: ReadCount
  readonly #counts = new Map<string, NamedCount>()

  /** @param listId the id of the list that holds the bars */
  constructor(listId: string, namespace: string, readCount: ReadCount) {
    this.#list = getElement(listId, HTMLOListElement)
    this.#namespace = namespace
    this.#readCount = readCount
  }

  /** Removes all bars, before another mirror is rendered. */
  clear(): void {
    this.#counts.clear()
    this.#updateBars()
  }

  /** Renders the counts that changed. */
  render(mirror: StorageMirror, changed: ChangedKeys): void {
    const keys = changed.get(this.#namespace)
    const entries = mirror.entries(this.#namespace)
    if (keys === undefined) return
    for (const key of this.#counts.keys()) if (!entries.has(key)) this.#counts.delete(key)
    for (const key of keys) {
      const text = entries.get(key)
      if (text !== undefined) this.#counts.set(key, this.#readCount(key, decodeOrUndefined(text)))
    }
    this.#updateBars()
  }

  #updateBars(): void {
    const highest = [...this.#counts.values()]
      .filter(({ count }) => count > 0)
      .toSorted((a, b) => b.count - a.count || byCodeUnit(a.name, b.name))
      .slice(0, MAX_BARS)
    if (highest.length === 0) {
      this.#list.replaceChildren(createElement('li', 'empty', 'None yet. Chat, or replay the log.'))
      return
    }
    const max = highest[0]?.count ?? 1
    this.#list.replaceChildren(...highest.map((each) => createBar(each, max)))
  }
}

/** Returns the number in this property of a stored value; 0 if there is none. */
export function numberProperty(value: unknown, name: string): number {
  const found = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  return typeof found === 'number' && Number.isFinite(found) ? found : 0
}

function createBar({ name, count }: NamedCount, max: number): HTMLLIElement {
  const bar = createElement('span', 'bar')
  bar.style.setProperty('--share', String(count / max))
  const label = createElement('span', 'name', name)
  return createElement('li', '', bar, label, ' ', createElement('b', '', String(count)))
}

function decodeOrUndefined(text: string): unknown {
  try {
    return decode(text)
  } catch {
    return undefined
  }
}
