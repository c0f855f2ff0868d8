const HIGHLIGHT_MS = 1_200

/** Highlights an element for a moment, to show that its content just changed. */
export class ChangeHighlight {
  readonly #element: Element
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(element: Element) {
    this.#element = element
  }

  /** Starts the highlight, or extends the one that is shown. */
  show(): void {
    this.#element.classList.add('changed')
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#element.classList.remove('changed'), HIGHLIGHT_MS)
  }
}
