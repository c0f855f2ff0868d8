import type { SessionDriver } from 'astro'
import { expect, test } from 'vitest'
import { type WebStorage, webStorage } from '../../../bridges/web-storage.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'
// The package does not export the class; its server creates one for each request.
import { AstroCookies } from '../../../node_modules/astro/dist/core/cookies/cookies.js'
import {
  AstroSession,
  PERSIST_SYMBOL,
} from '../../../node_modules/astro/dist/core/session/runtime.js'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

const HOUR = 3_600_000

type Logger = ConstructorParameters<typeof AstroSession>[0]['logger']

/** A site whose server calls this driver. */
class Site {
  readonly #driver: SessionDriver
  readonly #name: string = crypto.randomUUID()

  constructor(driver: SessionDriver) {
    this.#driver = driver
  }

  /** Runs the code of a page in a request, and returns the id of its session. */
  async request(
    page: (session: AstroSession) => unknown,
    id?: string,
  ): Promise<string | undefined> {
    const headers = new Headers(id ? { cookie: `astro-session=${id}` } : {})
    const session = new AstroSession({
      cookies: new AstroCookies(new Request('https://example.com', { headers }), console),
      config: { driver: this.#name },
      runtimeMode: 'production',
      driverFactory: () => this.#driver,
      mockStorage: null,
      logger: console as unknown as Logger,
    })
    await page(session)
    await session[PERSIST_SYMBOL]()
    return session.sessionID
  }

  async read(id: string, key: string): Promise<unknown> {
    let value: unknown
    await this.request(async (session) => (value = await session.get(key)), id)
    return value
  }
}

export function testAstro(backend: BridgeBackend): void {
  describeBridge('web-storage', backend, ({ open, openAll }) => {
    test('Astro: another server reads the session, with its Dates, Maps and URLs', async () => {
      const [a, b] = (await openAll<string>(2)).map((store) => new Site(webStorage(store)))
      const cart = new Map<string, unknown>([
        ['since', new Date(0)],
        ['from', new URL('https://example.com/')],
      ])
      const id = await a!.request((session) => session.set('cart', cart))
      expect(await b!.read(id!, 'cart')).toEqual(cart)
    })

    test('Astro: a driver that opens a store for each call and closes it keeps the session', async () => {
      const stores = [...(await openAll<string>(10))]
      const use = async <T>(call: (storage: WebStorage<string>) => Promise<T>): Promise<T> => {
        const store = stores.pop()!
        try {
          return await call(webStorage(store))
        } finally {
          await store.close()
        }
      }
      const site = new Site({
        getItem: async (key) => use((storage) => storage.getItem(key)),
        setItem: async (key, value: string) => use((storage) => storage.setItem(key, value)),
        removeItem: async (key) => use((storage) => storage.removeItem(key)),
      })
      const id = await site.request((session) => session.set('cart', 1))
      await site.request((session) => session.set('theme', 'dark'), id)
      expect([await site.read(id!, 'cart'), await site.read(id!, 'theme')]).toEqual([1, 'dark'])
      await site.request((session) => session.destroy(), id)
      expect(await site.read(id!, 'cart')).toBeUndefined()
    })

    test('Astro: a session that is missing in the store is empty', async () => {
      const site = new Site(webStorage(await open<string>()))
      expect(await site.read(crypto.randomUUID(), 'cart')).toBeUndefined()
    })

    test('Astro: destroy() removes the session', async () => {
      const store = await open<string>()
      const site = new Site(webStorage(store))
      const id = await site.request((session) => session.set('cart', 1))
      await site.request((session) => session.destroy(), id)
      expect(await store.size()).toBe(0)
    })

    test('Astro: regenerate() moves the session to a new id', async () => {
      const store = await open<string>()
      const site = new Site(webStorage(store))
      const id = await site.request((session) => session.set('cart', 1))
      const next = await site.request((session) => session.regenerate(), id)
      expect(next).not.toBe(id)
      expect([await site.read(id!, 'cart'), await site.read(next!, 'cart')]).toEqual([undefined, 1])
      expect(await store.size()).toBe(1)
    })

    test('Astro: without the option ttl, a session stays when its values have expired', async () => {
      const store = await open<string>()
      const site = new Site(webStorage(store))
      const id = await site.request((session) => session.set('cart', 1, { ttl: -1 }))
      expect(await site.read(id!, 'cart')).toBeUndefined()
      expect((await store.record(id!))?.expires).toBeUndefined()
      expect(await store.size()).toBe(1)
    })

    test('Astro: a session is gone its time to live after its last change', async () => {
      let time = Date.now()
      const store = await open<string>(() => time)
      const site = new Site(webStorage(store, { ttl: HOUR }))
      const id = await site.request((session) => session.set('cart', 1))
      time += HOUR - 1
      await site.request((session) => session.set('cart', 2), id)
      time += HOUR - 1
      expect(await site.read(id!, 'cart')).toBe(2)
      time += 1
      expect(await site.read(id!, 'cart')).toBeUndefined()
      expect(await store.size()).toBe(0)
    })

    test('Astro: a driver may open a store for each call, as a Worker must', async () => {
      const namespace = `web-storage-${crypto.randomUUID()}`
      const openStorage = async () =>
        webStorage<string>(await new StorageRuntime(backend.createPlugin()).open(namespace))
      const site = new Site({
        getItem: async (key) => (await openStorage()).getItem(key),
        setItem: async (key, value: string) => (await openStorage()).setItem(key, value),
        removeItem: async (key) => (await openStorage()).removeItem(key),
      })
      const id = await site.request((session) => session.set('cart', 1))
      expect(await site.read(id!, 'cart')).toBe(1)
      await site.request((session) => session.destroy(), id)
      expect(await site.read(id!, 'cart')).toBeUndefined()
    })

    test('Astro: 100 sessions of 10 servers are all kept', async () => {
      const stores = await openAll<string>(10)
      const sites = stores.map((store) => new Site(webStorage(store)))
      const requests = Array.from({ length: 100 }, async (_, index) =>
        sites[index % 10]!.request((session) => session.set('index', index)),
      )
      const ids = await Promise.all(requests)
      const found = await Promise.all(ids.map(async (id) => sites[0]!.read(id!, 'index')))
      expect(found).toEqual(ids.map((_, index) => index))
    })

    test('Astro: of two requests that change one session at the same time, the later wins', async () => {
      const site = new Site(webStorage(await open<string>()))
      const id = await site.request((session) => session.set('cart', 1))
      await site.request(async (outer) => {
        await outer.get('cart')
        await site.request((inner) => inner.set('inner', true), id)
        outer.set('outer', true)
      }, id)
      expect(await site.read(id!, 'outer')).toBe(true)
      expect(await site.read(id!, 'inner')).toBeUndefined()
    })

    test('Astro: a request fails with the error of the store', async () => {
      const store: Store<Record<string, string>> = await open<string>()
      const site = new Site(webStorage(store))
      await store.close()
      const failure = expect.objectContaining({ code: 'STORE_NOT_OPEN' })
      await expect(site.request((session) => session.set('cart', 1))).rejects.toEqual(failure)
      await expect(site.read(crypto.randomUUID(), 'cart')).rejects.toEqual(failure)
    })
  })
}
