import { expect, test, vi } from 'vitest'
import { unstorageDriver } from '../../../bridges/unstorage.ts'
import type { Clients } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'
import type { Version } from './versions.ts'

export function testWatch({ open, openAll }: Clients, { unstorage }: Version): void {
  test('watch() reports the changes of every client, or those of this storage where the backend has no watch', async () => {
    const [store, other] = await openAll(2)
    const storage = unstorage.createStorage()
    storage.mount('bot', unstorageDriver(store!))
    const events: string[] = []
    const unwatch = await storage.watch((event, key) => events.push(`${event} ${key}`))
    await storage.setItem('bot:a', 1)
    await vi.waitFor(() => expect(events).toContain('update bot:a'))
    await storage.removeItem('bot:a')
    await vi.waitFor(() => expect(events).toContain('remove bot:a'))
    await other!.set('b', '1')
    if (store!.traits.watch) await vi.waitFor(() => expect(events).toContain('update bot:b'))
    else expect(events).toEqual(['update bot:a', 'remove bot:a'])
    await unwatch()
    const before = events.length
    await storage.setItem('bot:c', 1)
    expect(events).toHaveLength(before)
  })

  test('watch() reports the removal of each key when all are removed, also of those from before', async ({
    skip,
  }) => {
    const [store, other] = await openAll(2)
    if (!store!.traits.watch) skip('the backend has no watch')
    await other!.set('before', '1')
    const events: string[] = []
    const driver = unstorageDriver(store!)
    const unwatch = await driver.watch!((event, key) => events.push(`${event} ${key}`))
    await other!.set('after', '1')
    await other!.set('gone', '1')
    await vi.waitFor(() => expect(events).toContain('update gone'))
    await other!.delete('gone')
    await vi.waitFor(() => expect(events).toContain('remove gone'))
    await other!.clear()
    await vi.waitFor(() => expect(events).toContain('remove after'))
    expect(events.filter((event) => event.startsWith('remove'))).toEqual([
      'remove gone',
      'remove before',
      'remove after',
    ])
    await unwatch()
  })

  test('dispose() ends the watches and keeps the store open', async ({ skip }) => {
    const store = await open()
    if (!store.traits.watch) skip('the backend has no watch')
    const driver = unstorageDriver(store)
    const events: string[] = []
    await driver.watch!((event, key) => events.push(`${event} ${key}`))
    await store.set('a', '1')
    await vi.waitFor(() => expect(events).toEqual(['update a']))
    await driver.dispose()
    await store.set('b', '1')
    await store.get('b')
    expect(events).toEqual(['update a'])
    expect(store.isOpen).toBe(true)
  })

  test('dispose() ends a watch that is starting, and a later watch reports again', async ({
    skip,
  }) => {
    const store = await open()
    if (!store.traits.watch) skip('the backend has no watch')
    const driver = unstorageDriver(store)
    const events: string[] = []
    const starting = driver.watch!((event, key) => events.push(`${event} ${key}`))
    await driver.dispose()
    const unwatch = await starting
    await driver.watch!((event, key) => events.push(`again: ${event} ${key}`))
    await store.set('a', '1')
    await vi.waitFor(() => expect(events).toEqual(['again: update a']))
    await unwatch()
    await driver.dispose()
  })

  test('a driver over a closed store rejects watch()', async ({ skip }) => {
    const store = await open()
    if (!store.traits.watch) skip('the backend has no watch')
    const driver = unstorageDriver(store)
    await store.close()
    await expect(driver.watch!(() => {})).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
  })

  test('a driver has watch() only over an open store whose backend has it', async () => {
    const store = await open()
    expect(unstorageDriver(store).watch === undefined).toBe(!store.traits.watch)
    expect(unstorageDriver(async () => store).watch).toBeUndefined()
    expect(unstorageDriver(await openStoreWithoutAtomicSteps()).watch).toBeUndefined()
  })
}
