import { createStorage } from 'unstorage'
import memoryDriver from 'unstorage/drivers/memory'
import type { Value } from '../../task.ts'
import type { Contender } from '../contender.ts'

/** It isolates values by JSON, and so gives a Date back as text. */
export const contender: Contender = {
  async open() {
    const storage = createStorage<Value>({ driver: memoryDriver() })
    return {
      set: (key, value) => storage.setItem(key, value),
      get: (key) => storage.getItem(key),
    }
  },
}
