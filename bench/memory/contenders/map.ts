import type { Value } from '../../task.ts'
import type { Contender } from '../contender.ts'

/** What the language has for it. */
export const contender: Contender = {
  async open() {
    const map = new Map<string, Value>()
    return {
      async set(key, value) {
        map.set(key, structuredClone(value))
      },
      async get(key) {
        return structuredClone(map.get(key))
      },
    }
  },
}
