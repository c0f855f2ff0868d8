import { StorageRuntime } from 'botshelf'
import { MemoryStoragePlugin } from 'botshelf/memory'
import { expect, test, vi } from 'vitest'
import { computed, effectScope, watchEffect } from 'vue'
import { liveRef } from './recipes/live-ref.ts'

test('a ref of Vue follows the store until its scope ends, and keeps entries that do not change', async () => {
  const runtime = new StorageRuntime(new MemoryStoragePlugin())
  const store = await runtime.open<Record<string, number>>('karma')
  await store.setMany({ 'nick/ben': 1, 'nick/ann': 3, other: 1 })
  const scope = effectScope()
  const shown: (readonly (readonly [string, number])[])[] = []
  scope.run(() => {
    const karma = liveRef(store, { prefix: 'nick/' })
    const loaded = computed(() => karma.value.isLoaded)
    watchEffect(() => void (loaded.value && shown.push(karma.value.entries)))
  })
  await vi.waitFor(() =>
    expect(shown).toEqual([
      [
        ['nick/ann', 3],
        ['nick/ben', 1],
      ],
    ]),
  )
  await store.increment('nick/ben')
  await vi.waitFor(() => expect(shown[1]?.[1]).toEqual(['nick/ben', 2]))
  expect(shown[1]?.[0]).toBe(shown[0]?.[0])
  scope.stop()
  await store.increment('nick/ben')
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(shown).toHaveLength(2)
  await runtime.close()
})
