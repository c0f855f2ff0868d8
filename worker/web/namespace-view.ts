import { byCodeUnit } from 'botshelf/backup'
import { ChangeHighlight } from './change-highlight.ts'
import { createElement, syncChildren } from './dom.ts'
import { EntryRow } from './entry-row.ts'
import { formatCount } from './messages.ts'

const MAX_ROWS = 200

/** What {@link NamespaceView.show} shows. */
export interface NamespaceContent {
  /** Values as text of `botshelf/codec`, by key. */
  readonly entries: ReadonlyMap<string, string>
  /** Only keys that contain this text are shown, in any case of letters. */
  readonly search: string
  /** The keys to highlight; `undefined` highlights nothing. */
  readonly changed?: ReadonlySet<string> | undefined
}

/** Shows one namespace as a collapsible group: its number of keys, and up to 200 of its entries. */
export class NamespaceView {
  readonly element: HTMLDetailsElement = createElement('details', 'namespace')
  readonly #count = createElement('span', 'count')
  readonly #countHighlight = new ChangeHighlight(this.#count)
  readonly #list = createElement('ul', 'entries')
  readonly #more = createElement('p', 'more')
  #rows = new Map<string, EntryRow>()

  constructor(namespace: string) {
    this.element.open = true
    this.element.append(
      createElement('summary', '', createElement('h3', '', namespace), this.#count),
      this.#list,
      this.#more,
    )
  }

  show({ entries, search, changed }: NamespaceContent): void {
    const lowerCase = search.toLowerCase()
    const found = [...entries.keys()].filter((key) => key.toLowerCase().includes(lowerCase))
    const keys = found.toSorted(byCodeUnit).slice(0, MAX_ROWS)
    const rows = new Map<string, EntryRow>()
    for (const key of keys) {
      const text = entries.get(key) ?? ''
      const row = this.#rows.get(key) ?? new EntryRow(key, text)
      row.show(text)
      if (changed?.has(key)) row.highlight.show()
      rows.set(key, row)
    }
    this.#rows = rows
    syncChildren(
      this.#list,
      [...rows.values()].map(({ element }) => element),
    )
    this.element.classList.toggle('is-empty', entries.size === 0)
    this.#count.textContent =
      entries.size === 0 ? 'empty' : formatCount(entries.size, 'key', 'keys')
    const hiddenRows = found.length - keys.length
    this.#more.hidden = hiddenRows === 0
    this.#more.textContent =
      hiddenRows === 0
        ? ''
        : `… and ${formatCount(hiddenRows, 'more key', 'more keys')}. Use “Find a key” to see them.`
    // The changed row itself may be scrolled out of view.
    if (changed !== undefined && changed.size > 0) this.#countHighlight.show()
    // An empty namespace stays visible unless the user searches.
    this.element.hidden = search !== '' && found.length === 0
  }
}
