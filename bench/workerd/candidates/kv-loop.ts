import type { InsideCandidate } from '../candidate.ts'

/** Uses the synchronous API of an object's storage in a loop. */
export const candidate: InsideCandidate = {
  async open({ kv }) {
    return {
      async setAll(entries) {
        for (const [key, value] of entries) kv.put(key, value)
      },
      async getAll(keys) {
        return keys.map((key) => kv.get(key))
      },
    }
  },
}
