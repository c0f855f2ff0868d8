import { keyOf } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

/** Sends one message after another, each of which changes the same key. */
export const candidate: Candidate = {
  async open({ BASELINE }, name) {
    const stub = BASELINE.getByName(`${name} sequence`)
    return {
      async callInSequence(count) {
        for (let n = 0; n < count; n++) await stub.addOneToMany([keyOf(0)])
      },
      fill: async (entries) => stub.setMany(entries),
    }
  },
}
