import type { Store } from 'botshelf'

type Seen = Store<Record<string, true>>

export async function runOnce(seen: Seen, id: string, act: () => Promise<void>) {
  if (!(await seen.insert(id, true, { ttl: 86_400_000 }))) return false
  try {
    await act()
  } catch (error) {
    await seen.delete(id) // The next delivery tries again.
    throw error
  }
  return true
}
