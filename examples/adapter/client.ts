// client.ts
// A stand-in for a Redis client: its five calls, over Maps.
const hashes = new Map<string, Map<string, string>>()

function hash(name: string): Map<string, string> {
  const found = hashes.get(name) ?? new Map<string, string>()
  hashes.set(name, found)
  return found
}

export const client = {
  hget: async (name: string, field: string) => hash(name).get(field) ?? null,
  hset: async (name: string, field: string, text: string) => hash(name).set(field, text),
  hdel: async (name: string, field: string) => hash(name).delete(field),
  hlen: async (name: string) => hash(name).size,
  hkeys: async (name: string) => [...hash(name).keys()],
}
