import { createElement, getElement, syncChildren } from './dom.ts'
import { NamespaceView } from './namespace-view.ts'
import type { ChangedKeys, StorageMirror } from './storage-mirror.ts'

/** Shows the stored data: namespaces, keys and values, with a search field for keys. */
export class Inspector {
  readonly #content = getElement('stored-data', HTMLDivElement)
  readonly #search = getElement('find', HTMLInputElement)
  readonly #syncError = getElement('sync-error', HTMLParagraphElement)
  #mirror: StorageMirror | undefined
  #emptyMessage = ''
  #namespaces = new Map<string, NamespaceView>()
  #error: string | undefined
  #errorNote: string | undefined
  #isFirstRender = true

  constructor() {
    this.#search.addEventListener('input', () => this.#applySearch())
  }

  /** Shows a message instead of the stored data. */
  showMessage(message: string): void {
    this.#mirror = undefined
    this.#search.disabled = true
    this.#namespaces = new Map()
    this.#error = undefined
    this.#errorNote = undefined
    this.#syncError.textContent = ''
    this.#content.replaceChildren(createElement('p', 'empty', message))
  }

  /**
   * Shows this mirror from its next `render`. The first render highlights nothing.
   *
   * @param emptyMessage shown while the mirror has no namespace
   */
  showMirror(mirror: StorageMirror, emptyMessage: string): void {
    this.#mirror = mirror
    this.#emptyMessage = emptyMessage
    this.#isFirstRender = true
  }

  /**
   * Shows why the mirror could not be updated; `undefined` removes the message.
   *
   * @param options.isStale whether everything that is shown may be out of date
   */
  showSyncError(
    mirror: StorageMirror,
    message: string | undefined,
    { isStale }: { readonly isStale: boolean },
  ): void {
    if (mirror !== this.#mirror || message === this.#error) return
    this.#error = message
    this.#errorNote =
      isStale && message !== undefined ? `${message} The data shown may be out of date.` : message
    this.#updateContent()
  }

  /** Renders the namespaces that changed. */
  render(mirror: StorageMirror, changed: ChangedKeys): void {
    if (mirror !== this.#mirror) return
    this.#search.disabled = false
    const search = this.#search.value.trim()
    const namespaces = new Map<string, NamespaceView>()
    for (const namespace of mirror.namespaces()) {
      const known = this.#namespaces.get(namespace)
      const view = known ?? new NamespaceView(namespace)
      namespaces.set(namespace, view)
      const changedKeys = changed.get(namespace)
      if (known === undefined || changedKeys !== undefined) {
        const entries = mirror.entries(namespace)
        view.show({ entries, search, changed: this.#isFirstRender ? undefined : changedKeys })
      }
    }
    this.#namespaces = namespaces
    this.#isFirstRender = false
    this.#updateContent()
  }

  #applySearch(): void {
    const search = this.#search.value.trim()
    for (const [namespace, view] of this.#namespaces) {
      const entries = this.#mirror?.entries(namespace)
      if (entries !== undefined) view.show({ entries, search })
    }
    this.#updateContent()
  }

  #updateContent(): void {
    const elements = [...this.#namespaces.values()].map((view) => view.element)
    const note = elements.length > 0 ? (this.#errorNote ?? '') : ''
    // Setting the same text again makes screen readers read it again.
    if (this.#syncError.textContent !== note) this.#syncError.textContent = note
    const message = this.#messageFor(elements)
    const content = message === undefined ? elements : [createElement('p', 'empty', message)]
    syncChildren(this.#content, content)
  }

  /** Returns the message to show instead of these elements; `undefined` to show them. */
  #messageFor(elements: readonly HTMLElement[]): string | undefined {
    if (elements.length === 0) return this.#error ?? this.#emptyMessage
    return elements.every(({ hidden }) => hidden) ? 'No key contains this text.' : undefined
  }
}
