import type { Candidate } from '../candidate.ts'

/** What an author with everything in his hands writes: one message with all of it. */
export const candidate: Candidate = {
  async open({ BASELINE }, name) {
    const stub = BASELINE.getByName(name)
    return {
      setAll: async (entries) => stub.setMany(entries),
      getAll: async (keys) => stub.getMany(keys),
      // A function cannot be sent along; the object knows what to do.
      updateAll: async (keys) => stub.addOneToMany(keys),
    }
  },
}
