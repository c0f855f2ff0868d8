import { createStorage } from 'unstorage'
import kvDriver from 'unstorage/drivers/cloudflare-kv-binding'
import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

export const candidate: Candidate = {
  async open({ KV }, name) {
    const driver = kvDriver({ binding: KV, base: `unstorage-${name}` })
    const storage = createStorage<Value>({ driver })
    return {
      set: (key, value) => storage.setItem(key, value),
      get: (key) => storage.getItem(key),
      async entries() {
        const items = await storage.getItems(await storage.getKeys())
        return items.map(({ key, value }) => [key, value] as const)
      },
    }
  },
}
