import { createElement, getElement, syncChildren } from './dom.ts'
import { describeError } from './messages.ts'
import { loadPreference, savePreference } from './preferences.ts'
import type { Transcript, TranscriptLine } from './transcript.ts'

/** The conversation that {@link Chat} shows. */
export interface Conversation {
  /** Sends a message to the bot; resolves to its replies. */
  send(nick: string, text: string): Promise<readonly string[]>
  readonly transcript: Transcript
  /** Tells the user where their messages go. */
  readonly privacyNote: string
  /** Shown instead of `privacyNote` once the browser could not store the conversation. */
  readonly unstoredNote: string
  /** Why no message can be sent; `undefined` if messages can be sent. */
  readonly disabledReason: string | undefined
}

interface RenderedLine {
  readonly line: TranscriptLine
  readonly element: HTMLElement
}

const AT_END_TOLERANCE_PX = 40
const NO_REPLY =
  'The bot has no reply to this. It answers commands, such as !help, and counts karma, such as bob++.'
/** Among so many lines, the note above is shown once. */
const LINES_PER_NOTE = 20

/** Shows a conversation, a form to send messages, and a dismissible error over both. */
export class Chat {
  readonly #notice = getElement('notice', HTMLDivElement)
  readonly #log = getElement('log', HTMLDivElement)
  readonly #emptyNote = getElement('chat-empty', HTMLParagraphElement)
  readonly #emptyText = this.#emptyNote.textContent
  readonly #form = getElement('form', HTMLFormElement)
  readonly #message = getElement('message', HTMLInputElement)
  readonly #examples = getElement('examples', HTMLUListElement)
  readonly #user = getElement('user', HTMLInputElement)
  readonly #privacy = getElement('privacy', HTMLParagraphElement)
  #lines = new Map<string, RenderedLine>()
  #conversation: Conversation | undefined
  // One message at a time, so that they arrive in order.
  #isSending = false

  constructor() {
    this.#user.value = loadPreference('user') ?? this.#user.value
    this.#user.addEventListener('change', () => savePreference('user', this.#user.value))
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#send(this.#message.value.trim())
    })
    this.#examples.addEventListener('click', ({ target }) => {
      if (target instanceof HTMLButtonElement) void this.#send(target.textContent ?? '')
    })
  }

  /** Shows a message while there is no conversation. A message that is being written is kept. */
  showLoading(message: string): void {
    this.#conversation = undefined
    this.#setDisabled(false)
    this.#privacy.textContent = message
    this.#setSending(true)
  }

  /** Shows another conversation. Its lines follow by `showLines`, then `finishLoading`. */
  open(conversation: Conversation): void {
    const { disabledReason, privacyNote } = conversation
    const isDisabled = disabledReason !== undefined
    this.#conversation = isDisabled ? undefined : conversation
    this.#setDisabled(isDisabled)
    this.#emptyNote.textContent = disabledReason ?? this.#emptyText
    // A message that is still being sent in the previous conversation does not block this one.
    this.#setSending(false)
    this.#privacy.textContent = disabledReason ?? privacyNote
    // Screen readers must not read the stored lines aloud as if they were new.
    this.#log.setAttribute('aria-live', 'off')
    this.#lines = new Map()
    this.#log.replaceChildren()
    this.#emptyNote.hidden = true
  }

  /** Marks the stored lines as shown. From now on, screen readers read new lines aloud. */
  finishLoading(): void {
    this.#emptyNote.hidden = this.#lines.size > 0
    requestAnimationFrame(() => this.#log.setAttribute('aria-live', 'polite'))
  }

  /** Tells the user that the browser does not store the conversation. */
  showUnstored(): void {
    if (this.#conversation !== undefined) {
      this.#privacy.textContent = this.#conversation.unstoredNote
    }
  }

  /** Shows an error until the user dismisses it or `clearError` is called. */
  showError(message: string): void {
    if (this.#notice.firstElementChild?.textContent === message) return
    const dismiss = createElement('button', 'dismiss', '×')
    dismiss.type = 'button'
    dismiss.setAttribute('aria-label', 'Dismiss')
    dismiss.addEventListener('click', () => {
      this.clearError()
      this.#message.focus()
    })
    this.#notice.replaceChildren(createElement('p', '', message), dismiss)
  }

  clearError(): void {
    this.#notice.replaceChildren()
  }

  /** Shows these lines, oldest first, instead of the lines shown before. */
  showLines(lines: readonly TranscriptLine[]): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#log
    const isAtEnd = scrollHeight - scrollTop - clientHeight < AT_END_TOLERANCE_PX
    const rendered = new Map<string, RenderedLine>()
    for (const line of lines) {
      const known = this.#lines.get(line.id)
      const isSame = known?.line.isFailed === line.isFailed && known?.line.text === line.text
      rendered.set(line.id, isSame ? known : { line, element: renderLine(line) })
    }
    this.#lines = rendered
    syncChildren(
      this.#log,
      [...rendered.values()].map(({ element }) => element),
    )
    if (lines.length > 0) this.#emptyNote.hidden = true
    if (isAtEnd) this.#log.scrollTop = this.#log.scrollHeight
  }

  async #send(text: string): Promise<void> {
    const conversation = this.#conversation
    if (conversation === undefined) this.#message.value = text
    if (text === '' || this.#isSending || conversation === undefined) return
    this.#setSending(true)
    const author = this.#user.value.trim() || 'guest'
    const line: TranscriptLine = { id: newId(), at: Date.now(), author, text, from: 'person' }
    if (this.#message.value.trim() === text) this.#message.value = ''
    this.#log.scrollTop = this.#log.scrollHeight
    const storing = conversation.transcript.put(line)
    try {
      const replies = await conversation.send(author, text)
      await storing
      const answer = this.#answer(replies)
      if (answer !== undefined) await conversation.transcript.put(answer)
      if (!(await storing) && conversation === this.#conversation) this.showUnstored()
    } catch (error) {
      await storing
      await conversation.transcript.put({ ...line, isFailed: true })
      this.showError(describeError(error))
      // Lets the user send it again, unless they have begun another message.
      if (this.#message.value === '' && conversation === this.#conversation)
        this.#message.value = text
    } finally {
      if (conversation === this.#conversation) this.#setSending(false)
    }
  }

  /** Returns the line that follows a message: the replies, or a note unless one was shown recently. */
  #answer(replies: readonly string[]): TranscriptLine | undefined {
    const line = { id: newId(), at: Date.now() }
    if (replies.length > 0) return { ...line, author: 'bot', text: replies.join('\n'), from: 'bot' }
    const recent = [...this.#lines.values()].slice(-LINES_PER_NOTE)
    if (recent.some((each) => each.line.from === 'note')) return undefined
    return { ...line, author: '', text: NO_REPLY, from: 'note' }
  }

  #setDisabled(isDisabled: boolean): void {
    for (const control of this.#form.elements) {
      if (control instanceof HTMLInputElement || control instanceof HTMLButtonElement)
        control.disabled = isDisabled
    }
    this.#examples.classList.toggle('invisible', isDisabled)
  }

  #setSending(isSending: boolean): void {
    this.#isSending = isSending
    for (const button of this.#form.querySelectorAll('button')) {
      button.setAttribute('aria-disabled', String(isSending))
    }
  }
}

// `crypto.randomUUID()` exists in secure contexts only, and the page also works over plain HTTP.
function newId(): string {
  return crypto.getRandomValues(new Uint32Array(3)).join('-')
}

function renderLine({ author, text, from, isFailed }: TranscriptLine): HTMLElement {
  const name = createElement('span', 'author', isFailed ? `${author} (failed)` : author)
  const content = createElement('span', 'text', text)
  const line = createElement('p', `line ${from}`, ...(from === 'note' ? [] : [name]), content)
  line.classList.toggle('failed', isFailed === true)
  return line
}
