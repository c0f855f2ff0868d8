import { decode } from 'botshelf/codec'
import { byCodeUnit } from 'botshelf/backup'
import { create, element } from './dom.ts'
import type { StorageMirror, Touched } from './shelf.ts'

const MOST_BARS = 8

/** How to read a count out of a value: what it counts, and how many. */
export type Counted = (key: string, value: unknown) => readonly [name: string, count: number]

/** The greatest counts of a namespace as bars: a list that reads `ompaul, 17`. */
export class Chart {
  readonly #list: HTMLOListElement
  readonly #namespace: string
  readonly #counted: Counted
  readonly #counts = new Map<string, readonly [string, number]>()

  /** @param id of the list */
  constructor(id: string, namespace: string, counted: Counted) {
    this.#list = element(id, HTMLOListElement)
    this.#namespace = namespace
    this.#counted = counted
  }

  /** Forgets everything: another shelf is shown from now on. */
  clear(): void {
    this.#counts.clear()
    this.#show()
  }

  draw(shelf: StorageMirror, touched: Touched): void {
    const keys = touched.get(this.#namespace)
    const entries = shelf.entries(this.#namespace)
    if (keys === undefined) return
    for (const key of this.#counts.keys()) if (!entries.has(key)) this.#counts.delete(key)
    for (const key of keys) {
      const text = entries.get(key)
      if (text !== undefined) this.#counts.set(key, this.#counted(key, read(text)))
    }
    this.#show()
  }

  #show(): void {
    const greatest = [...this.#counts.values()]
      .filter(([, count]) => count > 0)
      .toSorted(([a, m], [b, n]) => n - m || byCodeUnit(a, b))
      .slice(0, MOST_BARS)
    const most = greatest[0]?.[1] ?? 1
    if (greatest.length === 0) {
      this.#list.replaceChildren(create('li', 'empty', 'Nothing was counted yet.'))
      return
    }
    this.#list.replaceChildren(
      ...greatest.map(([name, count]) => {
        const bar = create('span', 'bar')
        bar.style.setProperty('--share', String(count / most))
        return create('li', '', bar, create('span', 'name', name), ' ', create('b', '', `${count}`))
      }),
    )
  }
}

/** A number under a name in whatever was stored; 0 if there is none. */
export function numberIn(value: unknown, name: string): number {
  const found = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  return typeof found === 'number' && Number.isFinite(found) ? found : 0
}

function read(text: string): unknown {
  try {
    return decode(text)
  } catch {
    return undefined
  }
}
