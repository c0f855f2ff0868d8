import { enhanceStorage, session as grammySession } from 'grammy'
import { expect, test } from 'vitest'
import { storageAdapter } from '../../../bridges/grammy.ts'
import type { Store } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'
import { createBot, type Data, messageUpdate } from './bots.ts'

async function collect<T>(items: Iterable<T> | AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

export function testStorageAdapter(backend: BridgeBackend): void {
  describeBridge('grammy', backend, ({ open }) => {
    test('storageAdapter() reads, writes, removes and lists sessions', async () => {
      const storage = storageAdapter(await open<Data>())
      expect(await storage.read('7')).toBeUndefined()
      expect(await storage.has('7')).toBe(false)
      await storage.write('7', { count: 1 })
      await storage.write('8', { count: 2 })
      expect(await storage.read('7')).toEqual({ count: 1 })
      expect(await storage.has('7')).toBe(true)
      expect((await collect(storage.readAllKeys())).toSorted()).toEqual(['7', '8'])
      expect(await collect(storage.readAllValues())).toHaveLength(2)
      expect(new Map(await collect(storage.readAllEntries()))).toEqual(
        new Map([
          ['7', { count: 1 }],
          ['8', { count: 2 }],
        ]),
      )
      await storage.delete('7')
      expect(await storage.has('7')).toBe(false)
    })

    test('storageAdapter() serves the session of grammY, and its enhanceStorage()', async () => {
      const store = await open<{ __d: Data }>()
      for (const expected of [1, 2]) {
        const { bot } = createBot()
        const migrations = { 1: (old: Data): Data => old }
        const storage = enhanceStorage({ storage: storageAdapter(store), migrations })
        bot.use(grammySession({ storage, initial: (): Data => ({ count: 0 }) }))
        bot.use((ctx) => void ctx.session.count++)
        await bot.handleUpdate(messageUpdate('hi'))
        expect(await store.get('7')).toMatchObject({ __d: { count: expected } })
      }
    })

    test('ttl of storageAdapter() counts from the last write', async () => {
      let time = Date.now()
      const storage = storageAdapter(await open<Data>(() => time), { ttl: 60_000 })
      await storage.write('7', { count: 1 })
      time += 40_000
      await storage.write('7', { count: 2 })
      time += 59_999
      expect(await storage.read('7')).toEqual({ count: 2 })
      time += 1
      expect(await storage.read('7')).toBeUndefined()
      expect(await collect(storage.readAllKeys())).toEqual([])
    })

    test('storageAdapter() refuses a wrong option and what is no store, and takes a store without atomic steps', async () => {
      const store = await open<Data>()
      const invalid = expect.objectContaining({ code: 'INVALID_VALUE' })
      expect(() => storageAdapter(store, { ttl: -1 })).toThrow(invalid)
      expect(() => storageAdapter(open() as unknown as typeof store)).toThrow(invalid)
      const plain = (await openStoreWithoutAtomicSteps()) as unknown as Store<Record<string, Data>>
      await storageAdapter(plain).write('7', { count: 1 })
      expect(await storageAdapter(plain).read('7')).toEqual({ count: 1 })
    })

    test('the errors of the store pass through storageAdapter()', async () => {
      const store = await open<Data>()
      await store.close()
      const storage = storageAdapter(store)
      await expect(storage.read('7')).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
      await expect(storage.write('7', { count: 1 })).rejects.toMatchObject({
        code: 'STORE_NOT_OPEN',
      })
    })
  })
}
