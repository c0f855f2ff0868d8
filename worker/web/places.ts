import { element } from './dom.js'
import { prefer, preferred } from './preferences.js'

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
const NO_EDGE = 'Served without its Worker, this page has no edge.'

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
  #place: PlaceName = 'tab'

  /** @param onSwitch called when a place was chosen, by the person or at the start; never at once */
  constructor(onSwitch: () => void) {
    this.#onSwitch = onSwitch
    this.#group.addEventListener('change', () => {
      const chosen = this.#radios().find(({ checked }) => checked)?.value ?? ''
      const place = isEdgeName(chosen) ? chosen : 'tab'
      prefer('place', place)
      this.#go(place)
    })
    // Who was at the edge last time goes there as soon as it is found.
    if (isEdgeName(preferred('place'))) this.#describe('')
    else queueMicrotask(() => this.#go('tab'))
  }

  get place(): PlaceName {
    return this.#place
  }

  /** Opens the places at the edge that there are. */
  offer(storages: readonly EdgeName[]): void {
    const last = preferred('place')
    for (const radio of this.#radios()) {
      radio.disabled = radio.value !== 'tab' && !storages.some((name) => name === radio.value)
    }
    if (isEdgeName(last)) this.#go(storages.includes(last) ? last : 'tab')
    if (storages.length === 0) this.#describe(` ${NO_EDGE}`)
  }

  #go(place: PlaceName): void {
    this.#place = place
    for (const radio of this.#radios()) radio.checked = radio.value === place
    this.#describe('')
    this.#onSwitch()
  }

  #describe(more: string): void {
    this.#about.textContent = ABOUT[this.#place] + more
  }

  #radios(): HTMLInputElement[] {
    return [...this.#group.querySelectorAll('input')]
  }
}

/** Is this a place at the edge? */
export function isEdgeName(name: unknown): name is EdgeName {
  return name === 'DurableObject' || name === 'CloudflareKV'
}
