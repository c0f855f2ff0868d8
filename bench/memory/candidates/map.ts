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
        const store = (value: Value): void => {
          map.set(key, structuredClone(value))
        }
        const apply = (): Promise<void> | undefined => {
          const value = map.get(key)
          if (value === undefined) return undefined
          const next = updater(structuredClone(value))
          if (next instanceof Promise) return next.then(store)
          store(next)
          return undefined
        }
        // A synchronous updater takes one promise. A failed update does not fail the next one.
        const turn = (turns.get(key) ?? Promise.resolve()).then(apply, apply)
        turns.set(key, turn)
        return turn
      },
    }
  },
}
