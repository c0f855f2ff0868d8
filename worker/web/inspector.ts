import { arrange, create, element } from './dom.ts'
import type { StorageMirror, Touched } from './shelf.ts'
import { SpaceView } from './space-view.ts'

/** What a place keeps: its namespaces, keys and values, as they are now. */
export class Inspector {
  readonly #place = element('shelf', HTMLDivElement)
  readonly #find = element('find', HTMLInputElement)
  readonly #stale = element('stale', HTMLParagraphElement)
  #shelf: StorageMirror | undefined
  #empty = ''
  #spaces = new Map<string, SpaceView>()
  #trouble: string | undefined
  #beside: string | undefined
  #isFirst = true

  constructor() {
    this.#find.addEventListener('input', () => this.#search())
  }

  /** Shows a sentence in place of what is kept. */
  say(sentence: string): void {
    this.#shelf = undefined
    this.#find.disabled = true
    this.#spaces = new Map()
    this.#trouble = undefined
    this.#beside = undefined
    this.#stale.textContent = ''
    this.#place.replaceChildren(create('p', 'empty', sentence))
  }

  /**
   * Shows a shelf from now on. What is on it at first is no change.
   *
   * @param empty what is said of a shelf with nothing on it
   */
  follow(shelf: StorageMirror, empty: string): void {
    this.#shelf = shelf
    this.#empty = empty
    this.#isFirst = true
  }

  /**
   * Says why not all of the shelf is as the place is; `undefined`: it is.
   *
   * @param isOld may all of what is shown be old?
   */
  showTrouble(shelf: StorageMirror, sentence: string | undefined, isOld: boolean): void {
    if (shelf !== this.#shelf || sentence === this.#trouble) return
    this.#trouble = sentence
    this.#beside =
      isOld && sentence !== undefined ? `${sentence} What is shown may be old.` : sentence
    this.#arrange()
  }

  /** Shows what changed. */
  draw(shelf: StorageMirror, touched: Touched): void {
    if (shelf !== this.#shelf) return
    this.#find.disabled = false
    const wanted = this.#find.value.trim()
    const spaces = new Map<string, SpaceView>()
    for (const namespace of shelf.namespaces()) {
      const known = this.#spaces.get(namespace)
      const space = known ?? new SpaceView(namespace)
      spaces.set(namespace, space)
      const changed = touched.get(namespace)
      if (known === undefined || changed !== undefined) {
        space.show(shelf.entries(namespace), wanted, this.#isFirst ? undefined : changed)
      }
    }
    this.#spaces = spaces
    this.#isFirst = false
    this.#arrange()
  }

  #search(): void {
    const wanted = this.#find.value.trim()
    for (const [namespace, space] of this.#spaces) {
      const entries = this.#shelf?.entries(namespace)
      if (entries !== undefined) space.show(entries, wanted, undefined)
    }
    this.#arrange()
  }

  #arrange(): void {
    const shown = [...this.#spaces.values()].map((space) => space.element)
    const beside = shown.length > 0 ? (this.#beside ?? '') : ''
    // A sentence that stays is not read aloud again.
    if (this.#stale.textContent !== beside) this.#stale.textContent = beside
    const sentence = this.#sentence(shown)
    arrange(this.#place, sentence === undefined ? shown : [create('p', 'empty', sentence)])
  }

  /** What there is to say where there is nothing to show. */
  #sentence(shown: readonly HTMLElement[]): string | undefined {
    if (shown.length === 0) return this.#trouble ?? this.#empty
    return shown.every(({ hidden }) => hidden) ? 'No key is called that.' : undefined
  }
}
