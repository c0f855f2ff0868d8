import { StoreError } from 'botshelf'
import { decode, encode } from 'botshelf/codec'
import type { Page } from 'playwright'
import type { LoadedStore } from './engine.ts'
import type { Method } from './page.ts'

type Updater = (current: unknown) => unknown

/** The part of a store that the load of the crash test uses, with its calls in a tab. */
export class TabStore implements LoadedStore {
  readonly #tab: Page
  readonly #updaters: Updater[] = []

  private constructor(tab: Page) {
    this.#tab = tab
  }

  /** Creates the store of a tab that has opened the page of the crash test. */
  static async create(tab: Page): Promise<TabStore> {
    const store = new TabStore(tab)
    await tab.exposeFunction('callUpdater', async (id: number, current: string) =>
      encode(await store.#updaters[id]?.(decode(current))),
    )
    return store
  }

  async get(key: string): Promise<unknown> {
    return this.#call('get', key)
  }

  async set(key: string, value: unknown): Promise<void> {
    await this.#call('set', key, value)
  }

  async setMany(entries: readonly (readonly [key: string, value: unknown])[]): Promise<void> {
    await this.#call('setMany', entries)
  }

  async delete(key: string): Promise<void> {
    await this.#call('delete', key)
  }

  async increment(key: string, by: number = 1): Promise<number> {
    return (await this.#call('increment', key, by)) as number
  }

  /** Runs the updater in Node, so other clients may write between its read and its write. */
  async update(key: string, updater: (current: unknown) => unknown): Promise<unknown> {
    const id = this.#updaters.push(updater) - 1
    return this.#call('update', key, id)
  }

  async #call(method: Method, ...parameters: readonly unknown[]): Promise<unknown> {
    let text: string
    try {
      text = await this.#tab.evaluate(([name, values]) => crash.call(name, values), [
        method,
        encode(parameters),
      ] as const)
    } catch (cause) {
      throw new StoreError('CONNECTION_LOST', 'The tab is gone.', { outcome: 'unknown', cause })
    }
    const { result, error } = decode(text) as {
      readonly result?: unknown
      readonly error?: unknown
    }
    if (error !== undefined) throw StoreError.from(error)
    return result
  }
}
