import { conformance } from '../../src/conformance.ts'
import { StorageRuntime, type Store } from '../../src/index.ts'
import { type Design, JournalStoragePlugin } from './journal-plugin.ts'

const KEYS = 10
const FAMILY = Array.from({ length: 50 }, (_, n) => `member-${n}`)

/** The contract, with a journal that is moved all the time. Tells what failed. */
export async function runConformance(design: Design): Promise<readonly string[]> {
  const plugin = (): JournalStoragePlugin =>
    new JournalStoragePlugin({ design, durability: 'relaxed', step: 1, compactAfter: 2 })
  const failures: string[] = []
  for (const { id, run } of conformance({ plugin })) {
    await run().catch((error: unknown) => failures.push(`${id}: ${String(error)}`))
  }
  return failures
}

/** Adds so many to few keys, in bursts of any length, while another tab does the same. */
export async function attack(design: Design, times: number): Promise<void> {
  const { store, plugin, runtime } = await open(design, 'attack')
  for (let left = times; left > 0;) {
    const burst = Math.min(left, 1 + Math.floor(Math.random() * 40))
    const updates = Array.from({ length: burst }, () =>
      store.update(`count-${Math.floor(Math.random() * KEYS)}`, (n = 0) => n + 1),
    )
    left -= burst
    await Promise.all(updates)
    if (Math.random() < 0.3) await plugin.storage?.compact()
  }
  await runtime.close()
}

/** What all of them have added, as read and as listed. */
export async function count(design: Design): Promise<readonly [number, number]> {
  const { store, runtime } = await open(design, 'attack')
  let listed = 0
  for await (const [, n] of store.entries()) listed += n
  const names = Array.from({ length: KEYS }, (_, n) => `count-${n}`)
  const read = await Promise.all(names.map((name) => store.get(name)))
  await runtime.close()
  return [read.reduce<number>((sum, n) => sum + (n ?? 0), 0), listed]
}

/**
 * Writes the same number to every member, over and over, as one group, and tells which have
 * resolved; the journal is moved all the while. First it looks what a crash has left: one number,
 * and none before `least`.
 */
export async function crashTest(
  design: Design,
  least: number,
  resolved: (n: number) => Promise<void>,
): Promise<number> {
  const { store, plugin } = await open(design, 'crash')
  const found = new Set(await Promise.all(FAMILY.map((name) => store.get(name))))
  const [n = 0] = found
  if (found.size > 1) throw new Error(`A group was torn: ${[...found].join(', ')}.`)
  if (n < least) throw new Error(`${least} had resolved, and ${n} is there.`)
  void (async () => {
    for (let next = n + 1; ; next++) {
      await store.setMany(FAMILY.map((name) => [name, next] as const))
      await resolved(next)
    }
  })()
  void (async () => {
    for (;;) await plugin.storage?.compact()
  })()
  return n
}

async function open(
  design: Design,
  name: string,
): Promise<{
  store: Store<Record<string, number>>
  plugin: JournalStoragePlugin
  runtime: StorageRuntime
}> {
  const plugin = new JournalStoragePlugin({ design, durability: 'strict', step: 1 })
  const runtime = new StorageRuntime(plugin)
  return { store: await runtime.open<Record<string, number>>(name), plugin, runtime }
}
