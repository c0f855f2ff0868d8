import { expect, test } from 'vitest'
import { unstorageDriver } from '../../../bridges/unstorage.ts'
import type { Clients } from '../support/bridge.ts'
import type { Version } from './versions.ts'

/** Each method of a storage, as unstorage's guide describes it. */
export function testItems({ open }: Clients, { unstorage }: Version): void {
  const createStorage = async (now?: () => number): ReturnType<typeof create> => create(now)
  async function create(now?: () => number): Promise<ReturnType<typeof unstorage.createStorage>> {
    return unstorage.createStorage({ driver: unstorageDriver(await open(now)) })
  }

  test('a missing key has no item and is null', async () => {
    const storage = await createStorage()
    expect(await storage.hasItem('users:ann')).toBe(false)
    expect(await storage.getItem('users:ann')).toBeNull()
    expect(await storage.getItemRaw('users:ann')).toBeNull()
    expect(await storage.getKeys()).toEqual([])
  })

  test.each([['text'], [''], [0], [false], [null], [[1, 'a']], [{ json: { nested: true } }]])(
    'setItem() stores %j, and getItem() returns it',
    async (value) => {
      const storage = await createStorage()
      await storage.setItem('item', value)
      expect(await storage.hasItem('item')).toBe(true)
      expect(await storage.getItem('item')).toEqual(value)
    },
  )

  test('setItem() with undefined removes the key, and so does removeItem()', async () => {
    const storage = await createStorage()
    await storage.setItem('a', 1)
    await storage.setItem('b', 2)
    await storage.setItem('a', undefined as never)
    await storage.removeItem('b')
    await storage.removeItem('missing')
    expect(await storage.getKeys()).toEqual([])
  })

  test('keys with slashes, backslashes or a query name the same item', async () => {
    const storage = await createStorage()
    await storage.setItem('/users/ann?q=1', 'Ann')
    expect(await storage.getItem('users:ann')).toBe('Ann')
    expect(await storage.getItem(String.raw`users\ann`)).toBe('Ann')
    expect(await storage.getKeys()).toEqual(['users:ann'])
  })

  test('getItems() returns the items in the order of the keys, with null for a missing one', async () => {
    const storage = await createStorage()
    await storage.setItem('b', 2)
    await storage.setItem('a', 1)
    expect(await storage.getItems(['b', { key: 'missing' }, 'a', 'b'])).toEqual([
      { key: 'b', value: 2 },
      { key: 'missing', value: null },
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ])
  })

  test('setItems() stores several items, with options of its own or of the call', async () => {
    let time = Date.now()
    const storage = await createStorage(() => time)
    const items = [
      { key: 'short', value: 1, options: { ttl: 60 } },
      { key: 'common', value: 2 },
      { key: 'forever', value: 3, options: { ttl: 0 } },
    ]
    await storage.setItems(items, { ttl: 120 })
    expect(await storage.getItem('short')).toBe(1)
    time += 60_000
    expect(await storage.getKeys()).toEqual(['common', 'forever'])
    time += 60_000
    expect(await storage.getKeys()).toEqual(['forever'])
  })

  test('ttl is in seconds, and a later write without it removes the expiry', async () => {
    let time = Date.now()
    const storage = await createStorage(() => time)
    await storage.setItem('session', 'ann', { ttl: 60 })
    await storage.setItemRaw('raw', 'ann', { ttl: 60 })
    await storage.setItem('kept', 'ann', { ttl: 60 })
    await storage.setItem('kept', 'ann')
    time += 59_999
    expect(await storage.getItem('session')).toBe('ann')
    expect(await storage.getItemRaw('raw')).toBe('ann')
    time += 1
    expect(await storage.getItem('session')).toBeNull()
    expect(await storage.hasItem('session')).toBe(false)
    expect(await storage.getKeys()).toEqual(['kept'])
  })

  test('getMeta() has the remaining ttl in whole seconds, beside the metadata of setMeta()', async () => {
    const storage = await createStorage()
    await storage.setItem('report', 'text', { ttl: 3600 })
    await storage.setMeta('report', { author: 'Ann', mtime: new Date(0) })
    const { ttl } = await storage.getMeta('report', { nativeOnly: true })
    expect(ttl).toBeGreaterThan(3500)
    expect(ttl).toBeLessThanOrEqual(3600)
    expect(ttl).toBe(Math.floor(ttl ?? 0))
    expect(await storage.getMeta('report')).toMatchObject({ author: 'Ann', mtime: new Date(0) })
    expect(await storage.getKeys()).toEqual(['report'])
    await storage.removeItem('report', { removeMeta: true })
    expect(await storage.getMeta('report')).toEqual({})
  })

  test('raw values of every storable type are returned as they were stored', async () => {
    const storage = await createStorage()
    const values = [new Uint8Array([1, 2, 3]), new Map([['a', new Date(0)]]), 'text', 5, { a: 10n }]
    for (const [index, value] of values.entries()) {
      await storage.setItemRaw(`raw:${index}`, value)
      expect(await storage.getItemRaw(`raw:${index}`)).toEqual(value)
    }
  })

  test('a raw value that cannot be stored rejects with INVALID_VALUE, and nothing is stored', async () => {
    const storage = await createStorage()
    for (const value of [new Blob(['text']), () => 1, Symbol('s')])
      await expect(storage.setItemRaw('raw', value)).rejects.toMatchObject({
        code: 'INVALID_VALUE',
      })
    expect(await storage.hasItem('raw')).toBe(false)
  })

  test('a Uint8Array of a subclass, such as a Buffer, is stored as its bytes alone', async () => {
    class Chunk extends Uint8Array {}
    const storage = await createStorage()
    await storage.setItemRaw('file', new Chunk(new Uint8Array([0, 1, 2, 3]).buffer, 1, 2))
    const bytes = await storage.getItemRaw<Uint8Array>('file')
    expect(bytes).toEqual(new Uint8Array([1, 2]))
    expect(bytes?.buffer.byteLength).toBe(2)
  })

  test('getKeys() lists the keys under a base, down to maxDepth', async () => {
    const storage = await createStorage()
    for (const key of ['top', 'users:ann', 'users:ann:mail', 'users-archive:ben'])
      await storage.setItem(key, 1)
    expect(await storage.getKeys('users')).toEqual(['users:ann', 'users:ann:mail'])
    expect(await storage.getKeys(undefined, { maxDepth: 0 })).toEqual(['top'])
    expect(await storage.getKeys('users', { maxDepth: 1 })).toEqual(['users:ann'])
    expect((await storage.getKeys(undefined, { maxDepth: 1 })).toSorted()).toEqual([
      'top',
      'users-archive:ben',
      'users:ann',
    ])
  })

  test('clear() removes all items, also of an empty storage', async () => {
    const storage = await createStorage()
    await storage.clear()
    await storage.setItem('users:ann', 1)
    await storage.setItem('top', 1)
    await storage.clear()
    expect(await storage.getKeys()).toEqual([])
  })

  test('snapshot() and restoreSnapshot() copy items from one store to another', async () => {
    const [from, to] = [await createStorage(), await createStorage()]
    await from.setItem('users:ann', { karma: 3 })
    await from.setItem('other', 1)
    const copy = await unstorage.snapshot(from, 'users')
    expect(copy).toEqual({ ann: { karma: 3 } })
    await unstorage.restoreSnapshot(to, copy, 'people')
    expect(await to.getItem('people:ann')).toEqual({ karma: 3 })
  })

  test('prefixStorage() reads and writes under its prefix', async () => {
    const storage = await createStorage()
    const users = unstorage.prefixStorage(storage, 'users')
    await users.setItem('ann', 1)
    await users.setItems([{ key: 'ben', value: 2 }])
    await storage.setItem('users-archive:cat', 3)
    expect(await users.getItems(['ann', 'ben'])).toEqual([
      { key: 'ann', value: 1 },
      { key: 'ben', value: 2 },
    ])
    expect(await users.getKeys()).toEqual(['ann', 'ben'])
    expect(await storage.getItem('users:ann')).toBe(1)
  })

  test.each([[-1], [Number.NaN], [Number.POSITIVE_INFINITY], ['60'], [null], [new Date(0)]])(
    'a ttl of %s rejects with INVALID_VALUE, and nothing is stored',
    async (ttl) => {
      const storage = await createStorage()
      const error = {
        code: 'INVALID_VALUE',
        key: 'k',
        message: expect.stringContaining('ttl must'),
      }
      await expect(storage.setItem('k', 1, { ttl })).rejects.toMatchObject(error)
      await expect(storage.setItemRaw('k', 1, { ttl })).rejects.toMatchObject(error)
      const items = [
        { key: 'a', value: 1 },
        { key: 'k', value: 1, options: { ttl } },
      ]
      await expect(storage.setItems(items)).rejects.toMatchObject(error)
      expect(await storage.getKeys()).toEqual([])
    },
  )
}
