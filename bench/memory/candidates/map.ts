import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

/** Uses a Map, and copies with structuredClone. */
export const candidate: Candidate = {
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
