const MARKED = 1_200

/** Marks an element for a moment as just changed. */
export class Mark {
  readonly #element: Element
  #end: ReturnType<typeof setTimeout> | undefined

  constructor(element: Element) {
    this.#element = element
  }

  show(): void {
    this.#element.classList.add('changed')
    clearTimeout(this.#end)
    this.#end = setTimeout(() => this.#element.classList.remove('changed'), MARKED)
  }
}
