import type { Contender } from '../contender.ts'

/** What an author with everything in his hands writes: one message with all of it. */
export const contender: Contender = {
  async open({ HAND }, name) {
    const stub = HAND.getByName(name)
    return {
      setAll: async (entries) => stub.setMany(entries),
      getAll: async (keys) => stub.getMany(keys),
      // A function cannot be sent along; the object knows what to do.
      updateAll: async (keys) => stub.addOneToMany(keys),
    }
  },
}
