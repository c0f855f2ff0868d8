import { expect, test } from 'vitest'
import { unstorageDriver } from '../../../bridges/unstorage.ts'
import type { Store } from '../../../src/index.ts'
import { type Clients, recordLostUpdates } from '../support/bridge.ts'
import type { Version } from './versions.ts'

const UPDATES = 100

type Storage = ReturnType<Version['unstorage']['createStorage']>

/** Adds one in the only way that unstorage's own interface has. */
async function addOne(storage: Storage, key: string): Promise<void> {
  const count = await storage.getItem<number>(key)
  await storage.setItem(key, (count ?? 0) + 1)
}

export function testLostUpdates({ openAll }: Clients, version: Version): void {
  const { createStorage } = version.unstorage

  test('getInstance() of the driver counts each of 100 concurrent updates, getItem() and setItem() do not', async (context) => {
    const clients = (await openAll(10)).map((store) => {
      const storage = createStorage()
      storage.mount('bot', unstorageDriver(store))
      return storage
    })
    const memory = createStorage({ driver: version.createMemoryDriver() })
    const ofClients = Array.from({ length: UPDATES }, (_, index) => clients[index % 10]!)

    await Promise.all(
      ofClients.map(async (storage) => {
        const store = storage.getMount('bot').driver.getInstance?.() as Store<
          Record<string, string>
        >
        await store.update('count', (text = '0') => String(Number(text) + 1))
      }),
    )
    await Promise.all(ofClients.map(async (storage) => addOne(storage, 'bot:unsafe')))
    await Promise.all(ofClients.map(async () => addOne(memory, 'count')))

    const ours = UPDATES - ((await clients[0]!.getItem<number>('bot:count')) ?? 0)
    const oursWithoutInstance = UPDATES - ((await clients[0]!.getItem<number>('bot:unsafe')) ?? 0)
    const theirs = UPDATES - ((await memory.getItem<number>('count')) ?? 0)
    expect(ours).toBe(0)
    expect(theirs).toBeGreaterThan(0)
    expect(oursWithoutInstance).toBeGreaterThan(0)
    const theirName = 'memory driver, getItem and setItem'
    recordLostUpdates(context, { updates: UPDATES, ours, theirs, theirName })
  })
}
