import { setTimeout as wait } from 'node:timers/promises'

/** A connection to the inspector of the isolate that runs the Worker and its objects. */
export class Inspector {
  readonly #socket: WebSocket
  readonly #replies = new Map<number, (result: unknown) => void>()
  readonly #wake: () => Promise<unknown>
  #lastId = 0

  /** @param wake makes the Worker run: workerd reads the messages of an inspector only then */
  static async connect(url: URL, wake: () => Promise<unknown>): Promise<Inspector> {
    const socket = new WebSocket(new URL('/core:user:', url))
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', reject)
    })
    return new Inspector(socket, wake)
  }

  private constructor(socket: WebSocket, wake: () => Promise<unknown>) {
    this.#socket = socket
    this.#wake = wake
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }
      if (id === undefined) return
      this.#replies.get(id)?.(result)
      this.#replies.delete(id)
    })
  }

  /** Collects garbage; resolves to the bytes of what is left in the heap. */
  async measureHeap(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage')
    const { usedSize } = (await this.#call('Runtime.getHeapUsage')) as { usedSize: number }
    return usedSize
  }

  close(): void {
    this.#socket.close()
  }

  async #call(method: string): Promise<unknown> {
    const id = ++this.#lastId
    const reply = new Promise((resolve) => this.#replies.set(id, resolve))
    this.#socket.send(JSON.stringify({ id, method, params: {} }))
    while (this.#replies.has(id)) {
      await this.#wake()
      await Promise.race([reply, wait(20)])
    }
    return reply
  }
}
