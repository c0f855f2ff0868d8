import { getElement } from './dom.ts'
import { describeError } from './messages.ts'

/** Reports the progress of a task: how many of its steps are done. */
export type OnProgress = (done: number, total: number) => void

/** Runs one task at a time, and shows its state in a status line and a progress bar. */
export class TaskStatus {
  readonly #status: HTMLParagraphElement
  readonly #progress: HTMLProgressElement
  readonly #buttons: readonly HTMLButtonElement[]
  #isRunning = false

  /**
   * @param ids the ids of the status line and the progress bar
   * @param buttons the buttons to disable while a task runs
   */
  constructor(
    ids: { readonly status: string; readonly progress: string },
    buttons: readonly HTMLButtonElement[] = [],
  ) {
    this.#status = getElement(ids.status, HTMLParagraphElement)
    this.#progress = getElement(ids.progress, HTMLProgressElement)
    this.#buttons = buttons
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** Replaces the text of the status line. */
  show(message: string): void {
    this.#status.textContent = message
  }

  /**
   * Shows `message`, runs `task`, and shows the message that it resolves to, or its error. Does
   * nothing while another task runs. Never rejects.
   */
  async run(message: string, task: (onProgress: OnProgress) => Promise<string>): Promise<void> {
    if (this.#isRunning) return
    this.#setRunning(true)
    this.show(message)
    this.#progress.value = 0
    this.#progress.hidden = false
    try {
      const result = await task((done, total) => {
        this.#progress.value = total === 0 ? 1 : done / total
      })
      this.show(result)
    } catch (error) {
      this.show(describeError(error))
    } finally {
      this.#progress.hidden = true
      this.#setRunning(false)
    }
  }

  #setRunning(isRunning: boolean): void {
    this.#isRunning = isRunning
    for (const button of this.#buttons) button.setAttribute('aria-disabled', String(isRunning))
  }
}
