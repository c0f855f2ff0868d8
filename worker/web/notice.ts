import { create, element } from './dom.ts'

/** One sentence of trouble over the conversation, until it is dismissed or no longer true. */
export class Notice {
  readonly #place = element('notice', HTMLDivElement)

  show(sentence: string): void {
    if (this.#place.firstElementChild?.textContent === sentence) return
    const dismiss = create('button', 'dismiss', '×')
    dismiss.type = 'button'
    dismiss.setAttribute('aria-label', 'Dismiss')
    dismiss.addEventListener('click', () => {
      this.clear()
      element('text', HTMLInputElement).focus()
    })
    this.#place.replaceChildren(create('p', '', sentence), dismiss)
  }

  clear(): void {
    this.#place.replaceChildren()
  }
}
