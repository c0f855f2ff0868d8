import type { Contender } from '../contender.ts'

/** A message for each operation, all at once. */
export const contender: Contender = {
  async open({ HAND }, name) {
    const stub = HAND.getByName(`${name} each`)
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
