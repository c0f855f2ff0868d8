import { arrange, create, element } from './dom.ts'
import { prefer, preferred } from './preferences.ts'
import type { Line, Transcript } from './transcript.ts'

/** What the conversation needs to know of the place it is held at. */
export interface Listener {
  /** Says something to the bot; resolves to its replies. */
  say(nick: string, text: string): Promise<readonly string[]>
  readonly transcript: Transcript
  /** What the person should know of where his words go. */
  readonly privacy: string
  /** Said if they are on this screen only. */
  readonly unkept: string
  /** Said if nothing can be said here; `undefined` if something can. */
  readonly mute: string | undefined
}

/** The conversation: what was said, and the form to say more. */
export class Chat {
  readonly #log = element('log', HTMLDivElement)
  readonly #silence = element('silence', HTMLParagraphElement)
  readonly #invitation = this.#silence.textContent
  readonly #form = element('form', HTMLFormElement)
  readonly #text = element('text', HTMLInputElement)
  readonly #examples = element('try', HTMLUListElement)
  readonly #user = element('user', HTMLInputElement)
  readonly #privacy = element('privacy', HTMLParagraphElement)
  readonly #onTrouble: (error: unknown) => void
  #lines = new Map<string, { readonly line: Line; readonly shown: HTMLElement }>()
  #listener: Listener | undefined
  // Two of one person's messages must not overtake each other.
  #sending = false

  constructor(onTrouble: (error: unknown) => void) {
    this.#onTrouble = onTrouble
    this.#user.value = preferred('user') ?? this.#user.value
    this.#user.addEventListener('change', () => prefer('user', this.#user.value))
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#send(this.#text.value.trim())
    })
    this.#examples.addEventListener('click', ({ target }) => {
      if (target instanceof HTMLButtonElement) void this.#send(target.textContent ?? '')
    })
  }

  /** Says why nothing can be said yet. What was begun stays in the form. */
  wait(sentence: string): void {
    this.#listener = undefined
    this.#disable(false)
    this.#privacy.textContent = sentence
    this.#busy(true)
  }

  /** Goes on at another place. What was said there is shown as `show` is called. */
  moveTo(listener: Listener): void {
    const { mute } = listener
    this.#listener = mute === undefined ? listener : undefined
    this.#disable(mute !== undefined)
    this.#silence.textContent = mute ?? this.#invitation
    // What is under way at the place before is no reason to wait here.
    this.#busy(false)
    this.#privacy.textContent = mute ?? listener.privacy
    // What was said before is no news to be read aloud.
    this.#log.setAttribute('aria-live', 'off')
    this.#lines = new Map()
    this.#log.replaceChildren()
    this.#silence.hidden = true
  }

  /** What was kept has been shown; what comes now is news. */
  begin(): void {
    this.#silence.hidden = this.#lines.size > 0
    requestAnimationFrame(() => this.#log.setAttribute('aria-live', 'polite'))
  }

  /** Says that the conversation is on this screen only. */
  showUnkept(): void {
    if (this.#listener !== undefined) this.#privacy.textContent = this.#listener.unkept
  }

  show(lines: readonly Line[]): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#log
    const atEnd = scrollHeight - scrollTop - clientHeight < 40
    const shown = new Map<string, { line: Line; shown: HTMLElement }>()
    for (const line of lines) {
      const before = this.#lines.get(line.id)
      const isSame = before?.line.failed === line.failed && before?.line.text === line.text
      shown.set(line.id, isSame ? before : { line, shown: draw(line) })
    }
    this.#lines = shown
    arrange(
      this.#log,
      [...shown.values()].map((each) => each.shown),
    )
    if (lines.length > 0) this.#silence.hidden = true
    if (atEnd) this.#log.scrollTop = this.#log.scrollHeight
  }

  async #send(said: string): Promise<void> {
    const listener = this.#listener
    if (listener === undefined) this.#text.value = said
    if (said === '' || this.#sending || listener === undefined) return
    this.#busy(true)
    const who = this.#user.value.trim() || 'guest'
    const line: Line = { id: newId(), at: Date.now(), who, text: said, from: 'person' }
    if (this.#text.value.trim() === said) this.#text.value = ''
    this.#log.scrollTop = this.#log.scrollHeight
    const kept = listener.transcript.put(line)
    try {
      const replies = await listener.say(who, said)
      await kept
      if (replies.length > 0) {
        const id = newId()
        const text = replies.join('\n')
        await listener.transcript.put({ id, at: Date.now(), who: 'bot', text, from: 'bot' })
      }
      if (!(await kept) && listener === this.#listener) this.showUnkept()
    } catch (error) {
      await kept
      await listener.transcript.put({ ...line, failed: true })
      this.#onTrouble(error)
      // So that it can be sent again, unless something else was begun meanwhile.
      if (this.#text.value === '' && listener === this.#listener) this.#text.value = said
    } finally {
      if (listener === this.#listener) this.#busy(false)
    }
  }

  #disable(now: boolean): void {
    const controls = this.#form.querySelectorAll<HTMLInputElement | HTMLButtonElement>(
      'input, button',
    )
    for (const control of controls) control.disabled = now
    // Its room stays, so that nothing moves.
    this.#examples.classList.toggle('absent', now)
  }

  #busy(now: boolean): void {
    this.#sending = now
    for (const button of this.#form.querySelectorAll('button')) {
      button.setAttribute('aria-disabled', String(now))
    }
  }
}

// Not a UUID: those are for pages that were served securely.
function newId(): string {
  return crypto.getRandomValues(new Uint32Array(3)).join('-')
}

function draw({ who, text, from, failed }: Line): HTMLElement {
  const name = create('span', 'who', failed ? `${who}, not heard` : who)
  const line = create('p', `line ${from}`, name, create('span', 'said', text))
  line.classList.toggle('failed', failed === true)
  return line
}
