import type { SlowUpdater, Updater, Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

/** Uses a Map, copies with structuredClone, and lets updates of a key take turns. */
export const candidate: Candidate = {
  async open() {
    const map = new Map<string, Value>()
    // A mutex per key: the promise of its last update. Updaters may be asynchronous.
    const turns = new Map<string, Promise<void>>()
    return {
      async set(key, value) {
        map.set(key, structuredClone(value))
      },
      async get(key) {
        return structuredClone(map.get(key))
      },
      update(key: string, updater: Updater | SlowUpdater) {
        const apply = async (): Promise<void> => {
          const value = map.get(key)
          if (value === undefined) return
          const next = updater(structuredClone(value))
          map.set(key, structuredClone(next instanceof Promise ? await next : next))
        }
        // One promise reaction per update: a failed update does not fail the next one.
        const turn = turns.get(key)?.then(apply, apply) ?? apply()
        turns.set(key, turn)
        return turn
      },
    }
  },
}
