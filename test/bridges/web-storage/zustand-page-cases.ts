import { expect, test, vi } from 'vitest'
import type { StorageValue } from 'zustand/middleware'
import { webStorage } from '../../../bridges/web-storage.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import { createCounters } from './zustand-cases.ts'

/** For the backends of a page: they can be watched, and keep the order of calls. */
export function testZustandInPage(backend: BridgeBackend): void {
  describeBridge('web-storage', backend, ({ openAll }) => {
    test('zustand: a client that watches the store shows what another client writes', async () => {
      const [a, b] = await openAll<StorageValue<{ counts: Record<string, number> }>>(2)
      const [ours, theirs] = [a!, b!].map((store) =>
        createCounters(webStorage(store, { merge: true })),
      )
      const watching = new AbortController()
      const watched = (async () => {
        for await (const { key } of a!.watch({ signal: watching.signal }))
          if (key === undefined || key === 'app') await ours!.persist.rehydrate()
      })()
      await theirs!.persist.rehydrate()
      for (let i = 0; i < 3; i++) await theirs!.getState().increment('theirs')
      await vi.waitFor(() => expect(ours!.getState().counts).toEqual({ theirs: 3 }))
      await ours!.getState().increment('ours')
      expect(await b!.get('app')).toMatchObject({ state: { counts: { ours: 1, theirs: 3 } } })
      watching.abort()
      await watched
    })

    test.each([{ merge: false }, { merge: true }])(
      'zustand: changes that are not awaited are stored in their order, with %o',
      async (options) => {
        const [store] = await openAll<StorageValue<{ counts: Record<string, number> }>>(1)
        const counters = createCounters(webStorage(store!, options))
        await counters.persist.rehydrate()
        const changes = Array.from({ length: 50 }, async (_, index) => {
          if (index % 7 === 0) await new Promise((resolve) => setTimeout(resolve))
          return counters.getState().increment('a')
        })
        await Promise.all(changes)
        expect(await store!.get('app')).toMatchObject({ state: { counts: { a: 50 } } })
      },
    )
  })
}
