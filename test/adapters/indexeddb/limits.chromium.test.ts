import { expect, test } from 'vitest'
import { IndexedDBStoragePlugin } from '../../../adapters/indexeddb.ts'
import { StorageRuntime } from '../../../src/index.ts'

// Chromium accepts 133,169,152 bytes in one message; a key takes two bytes for each character.

test('a key that is too long for the browser is TOO_LARGE, and later calls work', async () => {
  const plugin = new IndexedDBStoragePlugin({ STORAGE_CONFIG: { database: 'limits' } })
  await using runtime = new StorageRuntime(plugin)
  const store = await runtime.open('long')
  const key = 'k'.repeat(70_000_000)
  await expect(store.set(key, 1)).rejects.toMatchObject({
    code: 'TOO_LARGE',
    outcome: 'not-applied',
    retryable: false,
  })
  await expect(store.setMany({ [key]: 1, other: 1 })).rejects.toMatchObject({ code: 'TOO_LARGE' })
  await store.set('k', 1)
  expect(await store.get('other')).toBeUndefined()
  expect(await store.get('k')).toBe(1)
})
