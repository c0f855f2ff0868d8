import { decode } from 'botshelf/codec'
import { ChangeHighlight } from './change-highlight.ts'
import { createElement } from './dom.ts'
import { formatValue } from './format-value.ts'

const MAX_KEY_LENGTH = 120
const MAX_COLLAPSED_LENGTH = 220
const MAX_EXPANDED_LENGTH = 100_000

/** Shows one key and its value. A long key or value is cut off, with a button to expand it. */
export class EntryRow {
  readonly element: HTMLLIElement = createElement('li', 'entry')
  readonly highlight: ChangeHighlight = new ChangeHighlight(this.element)
  readonly #key: string
  #text = ''
  #isExpanded = false

  /** @param text the value as text of `botshelf/codec` */
  constructor(key: string, text: string) {
    this.#key = key
    this.show(text)
  }

  /** Shows a new value, as text of `botshelf/codec`. */
  show(text: string): void {
    if (text === this.#text) return
    this.#text = text
    this.#render()
  }

  #render(): void {
    const value = formatStored(this.#text, this.#isExpanded)
    const isLong = this.#key.length > MAX_KEY_LENGTH || value.length > MAX_COLLAPSED_LENGTH
    this.element.replaceChildren(
      createElement('code', 'key', this.#keyText()),
      createElement('code', this.#isExpanded ? 'value expanded' : 'value', value),
      ...(isLong || this.#isExpanded ? [this.#createButton()] : []),
    )
  }

  #keyText(): string {
    if (this.#key === '') return '(empty key)'
    if (this.#isExpanded || this.#key.length <= MAX_KEY_LENGTH) return this.#key
    return `${this.#key.slice(0, MAX_KEY_LENGTH)}…`
  }

  #createButton(): HTMLButtonElement {
    const label = this.#isExpanded ? 'Show less' : 'Show all'
    const button = createElement('button', 'expand', label)
    button.type = 'button'
    button.setAttribute('aria-expanded', String(this.#isExpanded))
    button.setAttribute('aria-label', `${label} of ${this.#key.slice(0, MAX_KEY_LENGTH)}`)
    button.addEventListener('click', () => {
      this.#isExpanded = !this.#isExpanded
      this.#render()
      this.element.querySelector('button')?.focus()
    })
    return button
  }
}

function formatStored(text: string, isExpanded: boolean): string {
  try {
    const maxLength = isExpanded ? MAX_EXPANDED_LENGTH : MAX_COLLAPSED_LENGTH
    return formatValue(decode(text), { maxLength, indent: isExpanded })
  } catch {
    return '(cannot be read)'
  }
}
