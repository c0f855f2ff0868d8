import { expect, test, vi } from 'vitest'
import type { StorageValue } from 'zustand/middleware'
import { webStorage } from '../../../bridges/web-storage.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import { createCounters } from './zustand-cases.ts'

/** For backends with `traits.watch`. */
export function testZustandWatch(backend: BridgeBackend): void {
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
  })
}
