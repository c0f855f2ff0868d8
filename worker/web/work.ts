import { element } from './dom.ts'
import { troubleWords } from './words.ts'

/** Tells how far something is. */
export type Report = (done: number, of: number) => void

/** A sentence that says what is being done or was done, over a bar that shows how far it is. */
export class Work {
  readonly #status: HTMLParagraphElement
  readonly #progress: HTMLProgressElement
  #running = false

  readonly #buttons: readonly HTMLButtonElement[]

  /**
   * @param ids of the sentence and of the bar
   * @param buttons that wait meanwhile
   */
  constructor(
    ids: { readonly status: string; readonly progress: string },
    buttons: readonly HTMLButtonElement[] = [],
  ) {
    this.#buttons = buttons
    this.#status = element(ids.status, HTMLParagraphElement)
    this.#progress = element(ids.progress, HTMLProgressElement)
  }

  get running(): boolean {
    return this.#running
  }

  say(sentence: string): void {
    this.#status.textContent = sentence
  }

  /** Does one thing at a time: says what, shows how far, and says what came of it. */
  async run(sentence: string, task: (report: Report) => Promise<string>): Promise<void> {
    if (this.#running) return
    this.#setRunning(true)
    this.say(sentence)
    this.#progress.value = 0
    this.#progress.hidden = false
    try {
      const done = await task((now, of) => {
        this.#progress.value = of === 0 ? 1 : now / of
      })
      this.say(done)
    } catch (error) {
      this.say(troubleWords(error))
    } finally {
      this.#progress.hidden = true
      this.#setRunning(false)
    }
  }

  #setRunning(running: boolean): void {
    this.#running = running
    for (const button of this.#buttons) button.setAttribute('aria-disabled', String(running))
  }
}
