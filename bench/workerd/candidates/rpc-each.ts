import type { Candidate } from '../candidate.ts'

/** Sends one message per operation, all at once. */
export const candidate: Candidate = {
  async open({ BASELINE }, name) {
    const stub = BASELINE.getByName(`${name} each`)
    return {
      set: async (key, value) => stub.set(key, value),
      get: async (key) => stub.get(key),
      // Loses concurrent updates, because others write between the read and the write.
      async update(key, updater) {
        const value = await stub.get(key)
        if (value) await stub.set(key, updater(value))
      },
      fill: async (entries) => stub.setMany(entries),
    }
  },
}
