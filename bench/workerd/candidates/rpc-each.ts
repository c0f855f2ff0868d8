import type { Candidate } from '../candidate.ts'

/** A message for each operation, all at once. */
export const candidate: Candidate = {
  async open({ BASELINE }, name) {
    const stub = BASELINE.getByName(`${name} each`)
    return {
      set: async (key, value) => stub.set(key, value),
      get: async (key) => stub.get(key),
      /** Between its reading and its writing others write too. */
      async update(key, change) {
        const value = await stub.get(key)
        if (value) await stub.set(key, change(value))
      },
      fill: async (entries) => stub.setMany(entries),
    }
  },
}
