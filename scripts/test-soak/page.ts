import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.ts'
import { Load, type LoadCounts } from './load.ts'
import type { Sample } from './soak.ts'

declare global {
  var soak: {
    work(seed: number): Promise<LoadCounts>
    count(): Promise<Sample>
    close(): Promise<void>
  }
}

const CALLS = 25

let connections = 0
let channels = 0
let unhandledRejections = 0
let load: Load | undefined

const open = Object.getOwnPropertyDescriptor(IDBFactory.prototype, 'open')?.value as (
  name: string,
  version?: number,
) => IDBOpenDBRequest
IDBFactory.prototype.open = function openCounted(...args: [string, number?]): IDBOpenDBRequest {
  const request = open.apply(this as never, args)
  request.addEventListener('success', () => countConnection(request.result))
  return request
}
globalThis.BroadcastChannel = class extends BroadcastChannel {
  #isOpen = true
  constructor(name: string) {
    super(name)
    channels++
  }
  override close(): void {
    if (this.#isOpen) channels--
    this.#isOpen = false
    super.close()
  }
}
globalThis.addEventListener('unhandledrejection', () => void unhandledRejections++)

globalThis.soak = {
  async work(seed) {
    load ??= await Load.start({ createPlugin: createIndexedDB, calls: CALLS })
    return load.run(seed)
  },
  async count() {
    const { held = [], pending = [] } = await navigator.locks.query()
    const locks = held.length + pending.length
    return { connections, channels, locks, unhandledRejections }
  },
  close: async () => load?.close(),
}

function createIndexedDB(): IndexedDBStoragePlugin {
  return new IndexedDBStoragePlugin()
}

function countConnection(connection: IDBDatabase): void {
  let isOpen = true
  const end = (): void => {
    if (isOpen) connections--
    isOpen = false
  }
  connections++
  connection.addEventListener('close', end)
  const close = connection.close.bind(connection)
  connection.close = () => {
    end()
    close()
  }
}
