import { getElement } from './dom.ts'
import { loadPreference, savePreference } from './preferences.ts'

/** A storage of the bot in the Worker, by the bot's name for it. */
export type RemoteBackendName = 'DurableObject' | 'CloudflareKV'
/** Where the bot runs and stores its data: in this tab, or in the Worker on one of its storages. */
export type BackendName = 'tab' | RemoteBackendName

/** The backends as named inside a sentence. */
export const BACKEND_LABELS: Readonly<Record<BackendName, string>> = {
  tab: 'this tab',
  DurableObject: 'the Durable Object',
  CloudflareKV: 'KV',
}

const DESCRIPTIONS: Readonly<Record<BackendName, string>> = {
  tab: 'The bot runs in this tab and stores its data in your browser. Nothing leaves the tab.',
  DurableObject:
    'The bot runs in a Cloudflare Worker. A Durable Object applies one change at a time, so no count is lost.',
  CloudflareKV:
    'The bot runs in a Cloudflare Worker. Changes in KV may appear a minute late; of two at the same time, one may be lost.',
}
const CONNECTING =
  'Connecting to the Worker, which you used last time. To start without it, choose “This tab”.'
const NO_WORKER = 'No Worker was found, so only this tab is available.'

/** Lets the user choose a backend, and remembers the choice. */
export class BackendPicker {
  readonly #fieldset = getElement('backends', HTMLFieldSetElement)
  readonly #description = getElement('backend-description', HTMLParagraphElement)
  readonly #onChange: () => void
  #backend: BackendName | undefined

  /** @param onChange called when `backend` was set, by the user or when the page starts */
  constructor(onChange: () => void) {
    this.#onChange = onChange
    this.#fieldset.addEventListener('change', () => {
      const checked = this.#radios().find((radio) => radio.checked)?.value
      const backend = isRemoteBackend(checked) ? checked : 'tab'
      savePreference('backend', backend)
      this.#select(backend)
    })
  }

  /** The backend in use; `undefined` while the page waits for the Worker that was used last time. */
  get backend(): BackendName | undefined {
    return this.#backend
  }

  /** Selects the backend that was used last time, or waits until the Worker offers it. */
  start(): void {
    const last = loadPreference('backend')
    if (isRemoteBackend(last)) this.#select(undefined, last)
    else this.#select('tab')
  }

  /** Selects this tab if the page still waits for the Worker. */
  stopWaiting(): void {
    if (this.#backend === undefined) this.#select('tab')
  }

  /** Enables the backends that the Worker offers; none if there is no Worker. */
  enable(backends: readonly RemoteBackendName[]): void {
    const last = loadPreference('backend')
    for (const radio of this.#radios()) {
      radio.disabled = radio.value !== 'tab' && !backends.some((name) => name === radio.value)
    }
    if (this.#backend === undefined) {
      this.#select(isRemoteBackend(last) && backends.includes(last) ? last : 'tab')
    }
    if (backends.length === 0) this.#describe(NO_WORKER)
  }

  #select(backend: BackendName | undefined, checked = backend): void {
    this.#backend = backend
    for (const radio of this.#radios()) radio.checked = radio.value === checked
    this.#describe()
    this.#onChange()
  }

  #describe(note = ''): void {
    const description = this.#backend === undefined ? CONNECTING : DESCRIPTIONS[this.#backend]
    this.#description.textContent = `${description} ${note}`.trim()
  }

  #radios(): HTMLInputElement[] {
    return [...this.#fieldset.querySelectorAll('input')]
  }
}

export function isRemoteBackend(name: unknown): name is RemoteBackendName {
  return name === 'DurableObject' || name === 'CloudflareKV'
}
