import type { Store } from 'botshelf'

type Locks = Store<Record<string, string>>

export async function acquire(locks: Locks, name: string, ttl: number) {
  const token = crypto.randomUUID()
  return (await locks.insert(name, token, { ttl })) ? token : undefined
}

export async function extend(locks: Locks, name: string, token: string, ttl: number) {
  return locks.transaction([name], (tx) => {
    const isHeld = tx.get(name) === token
    if (isHeld) tx.set(name, token, { ttl })
    return isHeld
  })
}

export async function release(locks: Locks, name: string, token: string) {
  await locks.update(name, (holder) => (holder === token ? undefined : holder))
}
