import type { Value } from '../../task.ts'
import type { Candidate } from '../candidate.ts'

/** The greatest number of keys of one `get`. */
const MAX_KEYS = 100

/** Uses Workers KV directly, with 100 keys per call and all calls at once. */
export const candidate: Candidate = {
  async open({ KV }, name) {
    const nameOf = (key: string): string => `bulk-${name}:${key}`
    const getAll = async (keys: readonly string[]): Promise<readonly unknown[]> => {
      const parts: Promise<Map<string, Value | null>>[] = []
      for (let from = 0; from < keys.length; from += MAX_KEYS) {
        parts.push(KV.get<Value>(keys.slice(from, from + MAX_KEYS).map(nameOf), 'json'))
      }
      const found = await Promise.all(parts)
      return keys.map((key, i) => found[Math.floor(i / MAX_KEYS)]?.get(nameOf(key)))
    }
    return {
      set: (key, value) => KV.put(nameOf(key), JSON.stringify(value)),
      getAll,
      async entries() {
        const entries: (readonly [string, unknown])[] = []
        let cursor: string | undefined
        do {
          const page = await KV.list({ prefix: nameOf(''), ...(cursor && { cursor }) })
          const keys = page.keys.map((each) => each.name.slice(nameOf('').length))
          const values = await getAll(keys)
          entries.push(...keys.map((key, i) => [key, values[i]] as const))
          cursor = page.list_complete ? undefined : page.cursor
        } while (cursor !== undefined)
        return entries
      },
    }
  },
}
