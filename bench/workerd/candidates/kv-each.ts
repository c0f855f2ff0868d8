import type { Candidate } from '../candidate.ts'

/** Uses Workers KV directly, with one call per key. */
export const candidate: Candidate = {
  async open({ KV }, name) {
    const nameOf = (key: string): string => `each-${name}:${key}`
    return {
      set: (key, value) => KV.put(nameOf(key), JSON.stringify(value)),
      get: (key) => KV.get(nameOf(key), 'json'),
    }
  },
}
