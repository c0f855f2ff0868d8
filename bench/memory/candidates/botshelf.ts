import { memory } from '../../../adapters/memory.ts'
import { StorageRuntime } from '../../../src/index.ts'
import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

export const candidate: Candidate = {
  async open(name) {
    const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
    const store = await runtime.open<Record<string, Value>>(name)
    return {
      set: (key, value) => store.set(key, value),
      get: (key) => store.get(key),
      update: (key, updater) => store.update(key, (value) => value && updater(value)),
      fill: (entries) => store.setMany(entries),
    }
  },
}
