import { decode } from 'botshelf/codec'
import { create } from './dom.ts'
import { Mark } from './mark.ts'
import { showValue } from './show-value.ts'

const MOST_KEY = 120
const MOST_VALUE = 220
// A value can be megabytes; nobody reads them here.
const MOST_SHOWN = 100_000

/** One key with its value, shown as text. What is long is clipped, with a button to see all of it. */
export class EntryRow {
  readonly element: HTMLLIElement = create('li', 'entry')
  readonly mark: Mark = new Mark(this.element)
  readonly #key: string
  #text = ''
  #open = false

  constructor(key: string, text: string) {
    this.#key = key
    this.show(text)
  }

  /** Shows another value. */
  show(text: string): void {
    if (text === this.#text) return
    this.#text = text
    this.#draw()
  }

  #draw(): void {
    const clipped = show(this.#text, this.#open)
    const isLong = this.#key.length > MOST_KEY || clipped.length > MOST_VALUE
    this.element.replaceChildren(
      create('code', 'key', this.#shownKey()),
      create('code', this.#open ? 'value open' : 'value', clipped),
      ...(isLong || this.#open ? [this.#button()] : []),
    )
  }

  #shownKey(): string {
    if (this.#key === '') return '(the empty key)'
    if (this.#open || this.#key.length <= MOST_KEY) return this.#key
    return `${this.#key.slice(0, MOST_KEY)}…`
  }

  #button(): HTMLButtonElement {
    const button = create('button', 'all', this.#open ? 'Show less' : 'Show all')
    button.type = 'button'
    button.setAttribute('aria-expanded', String(this.#open))
    button.setAttribute('aria-label', `${button.textContent} of ${this.#key.slice(0, MOST_KEY)}`)
    button.addEventListener('click', () => {
      this.#open = !this.#open
      this.#draw()
      this.element.querySelector('button')?.focus()
    })
    return button
  }
}

function show(text: string, isOpen: boolean): string {
  try {
    return showValue(decode(text), isOpen ? MOST_SHOWN : MOST_VALUE, isOpen)
  } catch {
    return '(cannot be read)'
  }
}
