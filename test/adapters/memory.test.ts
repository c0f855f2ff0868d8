import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import type { Entry, StorageBase, StorageChange } from '../../src/index.ts'

const entry: Entry = { value: 1, version: 'v' }

async function keysOf(storage: StorageBase): Promise<string[]> {
  const keys: string[] = []
  for await (const key of storage.keys()) keys.push(key)
  return keys
}

function watch(storage: StorageBase): StorageChange[] {
  const changes: StorageChange[] = []
  storage.watch?.((change) => changes.push(change))
  return changes
}

test('drop() reaches a runtime that has the namespace open, which still shares it with later ones', async () => {
  const plugin = new MemoryStoragePlugin()
  const open = await plugin.open('n')
  await open.set('k', entry)
  const changes = watch(open)
  await plugin.drop('n')
  expect(changes).toEqual([{ kind: 'clear' }])
  expect(await keysOf(open)).toEqual([])
  const later = await plugin.open('n')
  await later.set('a', entry)
  expect(await keysOf(open)).toEqual(['a'])
})

test('drop() frees a namespace that no runtime has open', async () => {
  const plugin = new MemoryStoragePlugin()
  const closed = await plugin.open('n')
  const changes = watch(closed)
  await closed.close()
  await plugin.drop('n')
  const later = await plugin.open('n')
  await later.set('a', entry)
  expect(changes).toEqual([{ kind: 'clear' }])
})

test('clearPrefix() reports each key that it removes', async () => {
  const storage = await new MemoryStoragePlugin().open('n')
  for (const key of ['a1', 'b', 'a2']) await storage.set(key, entry)
  const changes = watch(storage)
  await storage.clearPrefix('a')
  expect(changes).toEqual([
    { kind: 'remove', key: 'a1' },
    { kind: 'remove', key: 'a2' },
  ])
})

test('the storages of a namespace share their turns, and other namespaces do not', async () => {
  const plugin = new MemoryStoragePlugin()
  const turn = await (await plugin.open('n')).turns?.request(['k'], 1000)
  expect((await plugin.open('n')).turns?.isContended('k')).toBe(true)
  expect((await plugin.open('other')).turns?.isContended('k')).toBe(false)
  turn?.release()
  expect((await plugin.open('n')).turns?.isContended('k')).toBe(false)
})

test('listings are in the order of UTF-16 code units', async () => {
  const storage = await new MemoryStoragePlugin().open('n')
  for (const key of ['\uffff', '😀', 'é', 'z']) await storage.set(key, entry)
  expect(await keysOf(storage)).toEqual(['z', 'é', '😀', '\uffff'])
})
