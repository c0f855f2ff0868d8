import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => vi.unstubAllGlobals())

test('a runtime closes its stores if Symbol.asyncDispose was defined after botshelf loaded', async () => {
  // Safari before 27.3 lacks the symbol; a polyfill may define it.
  const native = Symbol
  const lacking = Object.assign((name?: string) => native(name), { asyncDispose: undefined })
  vi.stubGlobal('Symbol', Object.setPrototypeOf(lacking, native))
  const { StorageRuntime } = await import('../../src/index.ts')
  const { MemoryStoragePlugin } = await import('../../adapters/memory.ts')
  Object.assign(lacking, { asyncDispose: native.asyncDispose })
  const runtime = new StorageRuntime(new MemoryStoragePlugin())
  const store = await runtime.open('ns')
  expect(Reflect.has(store, native.asyncDispose)).toBe(false)
  await runtime.close()
  expect(store.isOpen).toBe(false)
})
