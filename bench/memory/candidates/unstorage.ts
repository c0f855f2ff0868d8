import { createStorage } from 'unstorage'
import memoryDriver from 'unstorage/drivers/memory'
import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

/** unstorage copies values as JSON, and so reads a Date back as text. */
export const candidate: Candidate = {
  async open() {
    const storage = createStorage<Value>({ driver: memoryDriver() })
    return {
      set: (key, value) => storage.setItem(key, value),
      get: (key) => storage.getItem(key),
    }
  },
}
