import { cloudflareKV } from '../../adapters/cloudflare-kv.ts'
import { durableObject } from '../../adapters/durable-object.ts'
import { StorageRuntime, type Store } from '../../src/index.ts'

/** The body of a request to the Worker. */
export interface SharedRuntimeRequest {
  readonly backend: 'object' | 'kv'
  /**
   * `burst`: writes and responds. `abandon`: begins updates that never end, among other calls on the
   * same keys, and responds, fails or hangs. `read`: responds with every entry.
   */
  readonly does: 'burst' | 'abandon' | 'read'
  /** How an abandoned request ends. */
  readonly ends?: 'answer' | 'error' | 'hang' | 'hang on a timer'
  /** The prefix of the keys that the request stores. */
  readonly id: string
}

// One runtime for all requests of the isolate, as in a bot that starts its runtime once.
const runtimes = new Map<string, Promise<StorageRuntime>>()
const unhandled: string[] = []
addEventListener('unhandledrejection', ({ reason }) => {
  unhandled.push(String(reason))
})

function runtimeOf(backend: SharedRuntimeRequest['backend'], env: object): Promise<StorageRuntime> {
  let runtime = runtimes.get(backend)
  if (runtime === undefined) {
    const config =
      backend === 'kv'
        ? { STORAGE: 'CloudflareKV', STORAGE_CONFIG: { binding: 'BOT_KV' }, ...env }
        : { STORAGE: 'DurableObject', STORAGE_CONFIG: { binding: 'BOT_STORAGE' }, ...env }
    runtime = StorageRuntime.start(config, [durableObject, cloudflareKV], {
      allowLostUpdates: backend === 'kv',
    })
    runtimes.set(backend, runtime)
  }
  return runtime
}

function plusOne(n: unknown): number {
  return typeof n === 'number' ? n + 1 : 1
}

// Every burst adds 2 to each counter.
const counters = ['counter 0', 'counter 1', 'counter 2']

async function burst(store: Store, id: string): Promise<unknown> {
  const first = await Promise.all([
    ...counters.map((key) => store.update(key, plusOne)),
    store.set(`${id}/alone`, id),
    store.setMany({ [`${id}/one`]: id, [`${id}/two`]: id }),
    store.get('loose'),
    store.set('loose', id),
    store.get(`${id}/alone`),
  ])
  const later = await Promise.all([
    ...counters.map((key) => store.update(key, async (n) => plusOne(n))),
    store.get(`${id}/one`),
    store.size(),
  ])
  return {
    first: first.slice(0, counters.length),
    own: first.at(-1),
    later: later.slice(0, counters.length),
  }
}

function abandon(
  store: Store,
  ends: SharedRuntimeRequest['ends'],
  onBegin: () => void,
): Promise<unknown> {
  const never = (): Promise<never> =>
    new Promise(() => {
      onBegin()
      if (ends === 'hang on a timer') setTimeout(() => {}, 600_000)
    })
  return Promise.all([
    ...counters.map((key) => store.update(key, never)),
    store.get('loose'),
    store.set('loose', 'abandoned'),
    store.mutable('loose', never),
    store.size(),
  ])
}

async function read(store: Store): Promise<unknown> {
  const entries: Record<string, unknown> = {}
  for await (const [key, value] of store) entries[key] = value
  return { entries, unhandled }
}

export default {
  async fetch(request: Request, env: object): Promise<Response> {
    const { backend, does, ends, id } = (await request.json()) as SharedRuntimeRequest
    const runtime = await runtimeOf(backend, env)
    const store = await runtime.open('shared')
    if (does === 'burst') {
      const answer = await burst(store, id)
      await store.close()
      return Response.json(answer)
    }
    if (does === 'read') return Response.json(await read(store))

    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const abandoned = abandon(store, ends, begin)
    await begun
    // The end of the request aborts these calls.
    void store.set('loose', id)
    void store.update('loose', () => id)
    if (ends === 'answer') return new Response('begun')
    if (ends === 'error') throw new Error('This request fails.')
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    void abandoned.then(() => writable.close())
    return new Response(readable)
  },
}
