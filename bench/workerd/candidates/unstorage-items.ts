import { createStorage } from 'unstorage'
import kvDriver from 'unstorage/drivers/cloudflare-kv-binding'
import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

/** Uses the batch API of unstorage. */
export const candidate: Candidate = {
  async open({ KV }, name) {
    const driver = kvDriver({ binding: KV, base: `unstorage-items-${name}` })
    const storage = createStorage<Value>({ driver })
    return {
      set: (key, value) => storage.setItem(key, value),
      getAll: async (keys) => (await storage.getItems([...keys])).map(({ value }) => value),
    }
  },
}
