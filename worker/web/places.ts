import { element } from './dom.ts'
import { prefer, preferred } from './preferences.ts'

/** The places at the edge, by the names that the Worker has for their storages. */
export type EdgeName = 'DurableObject' | 'CloudflareKV'
/** Where the bot can be and remember: in this tab, or at the edge on one of two storages. */
export type PlaceName = 'tab' | EdgeName

const ABOUT: Readonly<Record<PlaceName, string>> = {
  tab: 'The bot runs in this tab, and your browser keeps what it learns. Nothing leaves it.',
  DurableObject:
    'A Durable Object takes one change after another, from everybody: no count is ever lost.',
  CloudflareKV:
    'KV is near everybody. A change may take a minute to be seen; of two at once, one may be lost.',
}
const LOOKING =
  'Looking for the edge, where you were last time. You need not wait: choose this tab.'
const NO_EDGE = 'No edge answers: served without its Worker, this page has none.'

/** What a place is called in a sentence. */
export const CALLED: Readonly<Record<PlaceName, string>> = {
  tab: 'this tab',
  DurableObject: 'the Durable Object',
  CloudflareKV: 'KV',
}

/** The switch between the places. */
export class PlaceSwitch {
  readonly #group = element('places', HTMLFieldSetElement)
  readonly #about = element('about', HTMLParagraphElement)
  readonly #onSwitch: () => void
  #place: PlaceName | undefined

  /** @param onSwitch called when a place was chosen, by the person or at the start */
  constructor(onSwitch: () => void) {
    this.#onSwitch = onSwitch
    this.#group.addEventListener('change', () => {
      const chosen = this.#radios().find(({ checked }) => checked)?.value ?? ''
      const place = isEdgeName(chosen) ? chosen : 'tab'
      prefer('place', place)
      this.#go(place)
    })
  }

  /** The place; `undefined` while the edge is looked for, where the person was last time. */
  get place(): PlaceName | undefined {
    return this.#place
  }

  /** Goes to where the person was last time: to the edge as soon as it is offered. */
  begin(): void {
    const last = preferred('place')
    if (isEdgeName(last)) this.#go(undefined, last)
    else this.#go('tab')
  }

  /** Waits no longer for the edge. It can be chosen when it is offered. */
  goOn(): void {
    if (this.#place === undefined) this.#go('tab')
  }

  /** Opens the places at the edge that there are. */
  offer(storages: readonly EdgeName[]): void {
    const last = preferred('place')
    for (const radio of this.#radios()) {
      radio.disabled = radio.value !== 'tab' && !storages.some((name) => name === radio.value)
    }
    if (this.#place === undefined) {
      this.#go(isEdgeName(last) && storages.includes(last) ? last : 'tab')
    }
    if (storages.length === 0) this.#describe(` ${NO_EDGE}`)
  }

  #go(place: PlaceName | undefined, shown = place): void {
    this.#place = place
    for (const radio of this.#radios()) radio.checked = radio.value === shown
    this.#describe('')
    this.#onSwitch()
  }

  #describe(more: string): void {
    this.#about.textContent = this.#place === undefined ? LOOKING : ABOUT[this.#place] + more
  }

  #radios(): HTMLInputElement[] {
    return [...this.#group.querySelectorAll('input')]
  }
}

/** Is this a place at the edge? */
export function isEdgeName(name: unknown): name is EdgeName {
  return name === 'DurableObject' || name === 'CloudflareKV'
}
