import { expect, test } from 'vitest'
import { secondaryStorage } from '../../../bridges/better-auth.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

export function testBetterAuth(backend: BridgeBackend): void {
  describeBridge('better-auth', backend, ({ open, openAll }) => {
    test('increment() counts each of 100 concurrent requests', async () => {
      const clients = (await openAll(10)).map(secondaryStorage)
      const counts = await Promise.all(
        Array.from({ length: 100 }, async (_, index) => clients[index % 10]!.increment('ip', 60)),
      )
      expect(counts.toSorted((a, b) => a - b)).toEqual(counts.map((_, index) => index + 1))
    })

    test('set() with a time to live of 0 seconds removes the key', async () => {
      const storage = secondaryStorage(await open())
      await storage.set('token', 'session')
      await storage.set('token', 'session', 0)
      expect(await storage.get('token')).toBeNull()
    })

    test('a store without atomic steps is refused', async () => {
      const store = await openStoreWithoutAtomicSteps()
      expect(() => secondaryStorage(store)).toThrow(expect.objectContaining({ code: 'NOT_ATOMIC' }))
    })
  })
}
