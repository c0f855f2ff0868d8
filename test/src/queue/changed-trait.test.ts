import { expect, test } from 'vitest'
import type { Store, Traits } from '../../../src/index.ts'
import type { ModelStorage } from '../../fuzz/model-storage.ts'
import { nextTask } from '../../fuzz/run-case.ts'
import { counts, open } from './model-store.ts'

/** Opens a store whose first write is running, and returns the function that lets it end. */
async function openBusy(): Promise<{ store: Store; storage: ModelStorage; go: () => void }> {
  const { store, storage } = await open()
  const { promise: gate, resolve: go } = Promise.withResolvers<void>()
  storage.gate = () => gate
  void store.set('large', 1)
  await nextTask()
  storage.gate = undefined
  return { store, storage, go }
}

function setTrait({ traits }: ModelStorage, batchAcrossTicks: boolean): void {
  const mutable: { -readonly [K in keyof Traits]: Traits[K] } = traits
  mutable.batchAcrossTicks = batchAcrossTicks
}

test('once batchAcrossTicks is false, calls and those that waited begin at once and in order', async () => {
  const { store, storage, go } = await openBusy()
  const waiting = store.set('k', 'waiting')
  await nextTask()
  expect(counts(storage)).toEqual({ commit: 1 })
  setTrait(storage, false)
  const next = store.update('k', (value) => `${String(value)}, next`)
  await nextTask()
  const last = store.update('k', (value) => `${String(value)}, last`)
  await Promise.all([waiting, next, last])
  expect(storage.map.get('k')?.value).toBe('waiting, next, last')
  go()
})

test('once batchAcrossTicks is true again, calls wait for the running batch and form the next', async () => {
  const { store, storage, go } = await openBusy()
  setTrait(storage, false)
  await store.set('a', 1)
  setTrait(storage, true)
  const later = [store.set('b', 1)]
  await nextTask()
  later.push(store.set('c', 1))
  await nextTask()
  expect(counts(storage)).toEqual({ commit: 2 })
  go()
  await Promise.all(later)
  expect(counts(storage)).toEqual({ commit: 3 })
})

test('a call never overtakes a clear() that waits', async () => {
  const { store, storage, go } = await openBusy()
  const clearing = store.clear()
  setTrait(storage, false)
  const writing = store.set('k', 1)
  await nextTask()
  expect(counts(storage)).toEqual({ commit: 1 })
  go()
  await Promise.all([clearing, writing])
  expect([...storage.map.keys()]).toEqual(['k'])
})
