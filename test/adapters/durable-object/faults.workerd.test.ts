import { expect, test } from 'vitest'
import { isStoreError, type Store } from '../../../src/index.ts'
import { collect, open, recordCalls, reset, uniqueName } from './support/objects.ts'

const KEYS = ['a', 'b', 'c', 'd', 'e']
const lost = Object.assign(new Error('Network connection lost.'), { retryable: true })

/** A binding of which one call in five is at fault: four kinds, one in twenty each. */
function faultyBinding(namespace: string): object {
  return recordCalls(async (_, call) => {
    const kind = Math.floor(Math.random() * 20)
    if (kind === 0) {
      const reply = call()
      await Promise.all([reply.catch(() => {}), reset(namespace)])
      return reply
    }
    if (kind === 1) throw lost
    if (kind === 2) {
      await call()
      throw lost
    }
    if (kind > 3) return call()
    const [first, second] = await Promise.allSettled([call(), call()])
    const reply = Math.random() < 0.5 ? first : second
    if (reply.status === 'rejected') throw reply.reason
    return reply.value
  }).binding
}

interface Tally {
  /** By key: how many calls resolved, or rejected with the outcome `applied`. */
  readonly applied: Map<string, number>
  /** By key: the calls whose outcome is unknown. */
  readonly unknown: Map<string, number>
  readonly notApplied: Map<string, number>
}

/** Makes `total` calls from 50 clients, each with a runtime of its own, and counts their outcomes. */
async function makeCalls(
  namespace: string,
  total: number,
  call: (store: Store, key: string, index: number) => Promise<unknown>,
): Promise<Tally> {
  const tally: Tally = { applied: new Map(), unknown: new Map(), notApplied: new Map() }
  const binding = faultyBinding(namespace)
  let next = 0
  const client = async (): Promise<void> => {
    while (next < total) {
      const index = next++
      const key = KEYS[index % KEYS.length] ?? ''
      // Each call is a request of its own.
      const store = await open(namespace, {}, binding)
      const outcome = await call(store, key, index).then(
        () => 'applied',
        (error: unknown) => {
          if (!isStoreError(error)) throw error
          return error.outcome
        },
      )
      const counts = tally[outcome === 'applied' || outcome === 'unknown' ? outcome : 'notApplied']
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 50 }, client))
  return tally
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((a, b) => a + b, 0)
}

test.each([
  ['increment()', (store: Store, key: string) => store.increment(key)],
  [
    'update()',
    (store: Store, key: string) => store.update(key, (n) => ((n as number | undefined) ?? 0) + 1),
  ],
])(
  '2,000 contended calls of %s with faults: at most 1 % unknown, none lost, none made twice',
  async (_, call) => {
    const namespace = uniqueName()
    const tally = await makeCalls(namespace, 2000, call)
    const store = await open(namespace)
    console.warn(sum(tally.applied), sum(tally.unknown), sum(tally.notApplied))
    for (const key of KEYS) {
      const value = (await store.get(key)) as number
      const applied = tally.applied.get(key) ?? 0
      expect(value).toBeGreaterThanOrEqual(applied)
      expect(value).toBeLessThanOrEqual(applied + (tally.unknown.get(key) ?? 0))
    }
    expect(sum(tally.unknown)).toBeLessThanOrEqual(20)
    expect(await collect(store.keys())).toEqual(KEYS)
  },
  120_000,
)
