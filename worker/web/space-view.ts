import { byCodeUnit } from 'botshelf/backup'
import { arrange, create } from './dom.ts'
import { EntryRow } from './entry-row.ts'
import { Mark } from './mark.ts'
import { count } from './words.ts'

const MOST_ROWS = 200

/** One namespace as a group that can be folded: how many keys it has, and the first 200 of them. */
export class SpaceView {
  readonly element: HTMLDetailsElement = create('details', 'space')
  readonly #count = create('span', 'count')
  readonly #mark = new Mark(this.#count)
  readonly #rows = create('ul', 'entries')
  readonly #rest = create('p', 'rest')
  #shown = new Map<string, EntryRow>()

  constructor(namespace: string) {
    this.element.open = true
    this.element.append(
      create('summary', '', create('h3', '', namespace), this.#count),
      this.#rows,
      this.#rest,
    )
  }

  /**
   * Shows the entries whose key holds `wanted`.
   *
   * @param touched the keys that changed since the last time; `undefined` if none is to be marked
   */
  show(
    entries: ReadonlyMap<string, string>,
    wanted: string,
    touched: ReadonlySet<string> | undefined,
  ): void {
    const needle = wanted.toLowerCase()
    const found = [...entries.keys()].filter((key) => key.toLowerCase().includes(needle))
    const keys = found.toSorted(byCodeUnit).slice(0, MOST_ROWS)
    const shown = new Map<string, EntryRow>()
    for (const key of keys) {
      const text = entries.get(key) ?? ''
      const row = this.#shown.get(key) ?? new EntryRow(key, text)
      row.show(text)
      if (touched?.has(key)) row.mark.show()
      shown.set(key, row)
    }
    this.#shown = shown
    arrange(
      this.#rows,
      [...shown.values()].map(({ element }) => element),
    )
    this.#count.textContent = entries.size === 0 ? 'empty' : count(entries.size, 'key', 'keys')
    this.#rest.textContent = rest(found.length - keys.length)
    this.#rest.hidden = this.#rest.textContent === ''
    // Seen even where the key itself is out of sight.
    if (touched !== undefined && touched.size > 0) this.#mark.show()
    // Hidden only by what the person looks for, not for being empty.
    this.element.hidden = wanted !== '' && found.length === 0
  }
}

function rest(more: number): string {
  return more === 0 ? '' : `… and ${count(more, 'more key', 'more keys')}. Find them by their name.`
}
