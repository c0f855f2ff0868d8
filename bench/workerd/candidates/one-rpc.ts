import type { Candidate } from '../candidate.ts'

/** Sends all keys in one message, which the caller must know beforehand. */
export const candidate: Candidate = {
  async open({ BASELINE }, name) {
    const stub = BASELINE.getByName(name)
    return {
      setAll: async (entries) => stub.setMany(entries),
      getAll: async (keys) => stub.getMany(keys),
      // An updater cannot be sent over RPC, so the object has a method for this one.
      updateAll: async (keys) => stub.addOneToMany(keys),
    }
  },
}
