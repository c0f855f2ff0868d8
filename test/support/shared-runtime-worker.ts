import { cloudflareKV } from '../../adapters/cloudflare-kv.ts'
import { durableObject } from '../../adapters/durable-object.ts'
import { StorageRuntime, type Store } from '../../src/index.ts'

/** The body of a request to this Worker. */
export interface SharedRuntimeRequest {
  readonly backend: 'object' | 'kv'
  /**
   * `burst`: increments the counters, stores values and responds. `abandon`: starts an `update` with
   * a function that never settles, and other calls on the same keys, and ends as `ends` says once
   * the function runs. `read`: responds with all entries.
   */
  readonly does: 'burst' | 'abandon' | 'read'
  /** How an abandoned request ends: with a response, with an error, or not until it is aborted. */
  readonly ends?: 'answer' | 'error' | 'hang' | 'hang on a timer'
  /** Part of the keys that the request stores. */
  readonly id: string
}

// All requests of this isolate share one runtime, as in a bot that starts it only once.
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

function increment(n: unknown): number {
  return typeof n === 'number' ? n + 1 : 1
}

// Every burst increments each of them twice.
const counters = ['counter 0', 'counter 1', 'counter 2']

async function burst(store: Store, id: string): Promise<unknown> {
  const first = await Promise.all([
    ...counters.map((key) => store.update(key, increment)),
    store.set(`${id}/alone`, id),
    store.setMany({ [`${id}/one`]: id, [`${id}/two`]: id }),
    store.get('loose'),
    store.set('loose', id),
    store.get(`${id}/alone`),
  ])
  const later = await Promise.all([
    ...counters.map((key) => store.update(key, async (n) => increment(n))),
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
  onRun: () => void,
): Promise<unknown> {
  const never = (): Promise<never> =>
    new Promise(() => {
      onRun()
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

    const { promise: running, resolve: onRun } = Promise.withResolvers<void>()
    const abandoned = abandon(store, ends, onRun)
    await running
    // The end of the request interrupts these two calls.
    void store.set('loose', id)
    void store.update('loose', () => id)
    if (ends === 'answer') return new Response('running')
    if (ends === 'error') throw new Error('This request fails.')
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    void abandoned.then(() => writable.close())
    return new Response(readable)
  },
}
