// The script of the tabs of the crash test. Node calls the global `crash` in `evaluate()`.
import { decode, encode } from 'botshelf/codec'
import { indexeddb } from 'botshelf/indexeddb'
import { StorageRuntime, type Store, StoreError } from 'botshelf'

export interface OpenOptions {
  readonly durability: 'strict' | 'relaxed'
  /** The size of the random bytes that each value of `set` and `setMany` is stored with. */
  readonly paddingBytes: number
  /** Plants a fault: `set` and `setMany` resolve 100 ms before they are sent. */
  readonly acknowledgesEarly: boolean
}

/** The methods that Node can call. The second argument of `update` is a number, for `callUpdater`. */
export type Method = 'get' | 'set' | 'setMany' | 'delete' | 'increment' | 'update'

interface Padded {
  readonly value: unknown
  readonly padding: Uint8Array
}

/** Chromium erases it together with the databases of botshelf, which does not know it. */
const CONTROL_DATABASE = 'control'

class CrashPage {
  #runtime!: StorageRuntime
  #store!: Store
  #options!: OpenOptions
  /** The types of the runtime's events. */
  readonly events: string[] = []

  async open(options: OpenOptions): Promise<void> {
    this.#options = options
    const { durability } = options
    const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { durability } }
    const onEvent = ({ type }: { readonly type: string }): void => void this.events.push(type)
    this.#runtime = await StorageRuntime.start(config, [indexeddb], { onEvent })
    this.#store = await this.#runtime.open('crash')
  }

  async close(): Promise<void> {
    await this.#runtime.close()
  }

  /** Calls a method of the store. The arguments and the result are text of `botshelf/codec`. */
  async call(method: Method, parameters: string): Promise<string> {
    try {
      return encode({ result: await this.#run(method, decode(parameters) as unknown[]) })
    } catch (error) {
      return encode({ error: StoreError.from(error).toJSON() })
    }
  }

  /** Resolves to a list of all entries, as text. */
  async readContents(): Promise<string> {
    const contents: [string, unknown][] = []
    for await (const [key, value] of this.#store.entries()) contents.push([key, unpad(value)])
    return encode(contents)
  }

  /** Creates the control database; resolves to whether it was there. */
  async openControl(): Promise<boolean> {
    let existed = true
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open(CONTROL_DATABASE)
      request.addEventListener('upgradeneeded', () => (existed = false))
      request.addEventListener('error', () => reject(request.error))
      request.addEventListener('success', () => {
        request.result.close()
        resolve()
      })
    })
    return existed
  }

  async #run(method: Method, [first, second]: readonly unknown[]): Promise<unknown> {
    const key = first as string
    const calls: Readonly<Record<Method, () => Promise<unknown>>> = {
      get: async () => unpad(await this.#store.get(key)),
      set: () => this.#store.set(key, this.#pad(second)),
      setMany: () =>
        this.#store.setMany(
          (first as [string, unknown][]).map(([name, value]) => [name, this.#pad(value)] as const),
        ),
      delete: () => this.#store.delete(key),
      increment: () => this.#store.increment(key, second as number),
      update: () =>
        this.#store.update(key, async (current) =>
          decode(await callUpdater(second as number, encode(current))),
        ),
    }
    const isEarly = this.#options.acknowledgesEarly && method.startsWith('set')
    if (!isEarly) return calls[method]()
    setTimeout(() => void calls[method](), 100)
    return undefined
  }

  #pad(value: unknown): unknown {
    const { paddingBytes } = this.#options
    if (paddingBytes === 0) return value
    const padding = new Uint8Array(paddingBytes)
    for (let start = 0; start < padding.length; start += 65_536) {
      crypto.getRandomValues(padding.subarray(start, start + 65_536))
    }
    return { value, padding } satisfies Padded
  }
}

function unpad(stored: unknown): unknown {
  const isPadded = typeof stored === 'object' && stored !== null && 'padding' in stored
  return isPadded ? (stored as Padded).value : stored
}

declare global {
  var crash: CrashPage
  /** Calls an updater in Node. The value and the result are text of `botshelf/codec`. */
  var callUpdater: (updaterId: number, current: string) => Promise<string>
}

globalThis.crash = new CrashPage()
