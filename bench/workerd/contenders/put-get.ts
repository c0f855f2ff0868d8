import type { InsideContender } from '../contender.ts'

/** The asynchronous API of an object's storage. */
export const contender: InsideContender = {
  async open(storage) {
    return {
      set: (key, value) => storage.put(key, value),
      get: (key) => storage.get(key),
    }
  },
}
