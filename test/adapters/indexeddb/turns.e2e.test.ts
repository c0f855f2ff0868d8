import { expect, test } from 'vitest'
import type { StorageBase } from '../../../src/storage.ts'
import type { Turn, Turns } from '../../../src/turns.ts'
import { eventually, type PageOrWorker, useChromium } from './support/chromium.ts'

const browser = useChromium()

declare global {
  /** What `openStorage` leaves in a tab. */
  var storage: StorageBase
  var turns: Turns
  var turn: Turn
  /** When each turn of the tab began, in milliseconds since 1970, by its name. */
  var starts: [time: number, name: string][]
}

async function openStorage(...tabs: readonly PageOrWorker[]): Promise<void> {
  for (const tab of tabs) {
    await tab.evaluate(async () => {
      globalThis.storage = await new harness.IndexedDBStoragePlugin().open('ns')
      if (storage.turns === undefined) throw new Error('The storage has no turns.')
      globalThis.turns = storage.turns
      globalThis.starts = []
    })
  }
}

/** Takes a turn and keeps it as `turn`. */
async function takeTurn(
  tab: PageOrWorker,
  { keys = ['k'], leaseMs = 60_000 }: { keys?: string[]; leaseMs?: number } = {},
): Promise<void> {
  await tab.evaluate(
    async ([all, lease]) => {
      globalThis.turn = await turns.request(all, lease)
    },
    [keys, leaseMs] as const,
  )
}

/** Requests a turn, which is released soon after it began; resolves once it is waiting. */
async function awaitTurn(tab: PageOrWorker, name: string, keys = ['k']): Promise<void> {
  const before = (await locks(tab)).pending
  await tab.evaluate(
    ([turnName, all]) => {
      void (async () => {
        const granted = await turns.request(all, 60_000)
        starts.push([performance.timeOrigin + performance.now(), turnName])
        await new Promise((resolve) => setTimeout(resolve, 30))
        granted.release()
      })()
    },
    [name, keys] as const,
  )
  await eventually(async () => (await locks(tab)).pending).toBe(before + 1)
}

async function startedTurns(...tabs: readonly PageOrWorker[]): Promise<string[]> {
  const lists = await Promise.all(tabs.map((tab) => tab.evaluate(() => starts)))
  return lists
    .flat()
    .toSorted(([a], [b]) => a - b)
    .map(([, name]) => name)
}

/** Whether any key, `k` and `other` are contended. */
async function contended(tab: PageOrWorker): Promise<boolean[]> {
  return tab.evaluate(() => [
    turns.hasContention,
    turns.isContended('k'),
    turns.isContended('other'),
  ])
}

/** Counts the locks of the origin. */
async function locks(tab: PageOrWorker): Promise<{ held: number; pending: number }> {
  return tab.evaluate(async () => {
    const { held, pending } = await navigator.locks.query()
    return { held: held?.length ?? 0, pending: pending?.length ?? 0 }
  })
}

test('tabs and workers get turns on a key in the order in which they requested them', async () => {
  const origin = browser.newOrigin()
  const [first, second] = await origin.openTwoTabs()
  const worker = await origin.startWorker(first)
  await openStorage(first, second, worker)
  await takeTurn(first)
  await awaitTurn(second, '1')
  await awaitTurn(worker, '2')
  await awaitTurn(first, '3')
  await awaitTurn(second, '4')
  await awaitTurn(worker, '5')
  expect(await startedTurns(first, second, worker)).toEqual([])
  await first.evaluate(() => turn.release())
  await eventually(() => startedTurns(first, second, worker)).toEqual(['1', '2', '3', '4', '5'])
  await eventually(() => locks(first)).toEqual({ held: 0, pending: 0 })
})

test('when a tab that has a turn is closed, the next turn begins', async () => {
  const [first, second] = await browser.newOrigin().openTwoTabs()
  await openStorage(first, second)
  await takeTurn(first)
  await awaitTurn(second, 'next')
  expect(await startedTurns(second)).toEqual([])
  await first.close()
  await eventually(() => startedTurns(second)).toEqual(['next'])
})

test('when the lease of a turn ends, the turn has lapsed and the next one begins', async () => {
  const [first, second] = await browser.newOrigin().openTwoTabs()
  await openStorage(first, second)
  await takeTurn(first, { leaseMs: 500 })
  await awaitTurn(second, 'next')
  await eventually(() => startedTurns(second)).toEqual(['next'])
  expect(await first.evaluate(() => turn.hasLapsed)).toBe(true)
})

test('a key is contended in every tab as long as one has a turn on it, and soon after it no more', async () => {
  const origin = browser.newOrigin()
  const [first, second] = await origin.openTwoTabs()
  const worker = await origin.startWorker(first)
  const all = [first, second, worker]
  await openStorage(...all)
  for (const tab of all) expect(await contended(tab)).toEqual([false, false, false])
  await takeTurn(first)
  for (const tab of all) await eventually(() => contended(tab)).toEqual([true, true, false])
  const wasContended = await second.evaluate(async () => {
    const samples = new Set<boolean>()
    for (let count = 0; count < 30; count++) {
      samples.add(turns.isContended('k'))
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return [...samples]
  })
  expect(wasContended).toEqual([true])
  await first.evaluate(() => turn.release())
  expect(await contended(first)).toEqual([false, false, false])
  for (const tab of all) await eventually(() => contended(tab)).toEqual([false, false, false])
})

test('turns on several keys that two tabs request in opposite order do not deadlock', async () => {
  const [first, second] = await browser.newOrigin().openTwoTabs()
  await openStorage(first, second)
  // Both requests wait in their middle: a tab that took its first key by then would block the other.
  await takeTurn(first, { keys: ['b'] })
  await awaitTurn(first, '1', ['a', 'b', 'c'])
  await awaitTurn(second, '2', ['c', 'b', 'a', 'b'])
  await first.evaluate(() => turn.release())
  await eventually(() => startedTurns(first, second)).toHaveLength(2)
  await eventually(() => locks(first)).toEqual({ held: 0, pending: 0 })
})

test('a write ends the turn in which it is made; a transaction that only reads does not', async () => {
  const tab = await browser.newOrigin().openTab()
  await openStorage(tab)
  const contendedAfter = await tab.evaluate(async () => {
    const found: boolean[] = []
    const groups = [[harness.setChange('k', 1)]]
    const writing = await turns.request(['k'], 60_000)
    await storage.commit(groups, { turn: writing })
    found.push(turns.isContended('k'))
    const updating = await turns.request(['k'], 60_000)
    await storage.transact?.(['k'], () => [], { turn: updating })
    found.push(turns.isContended('k'))
    await storage.transact?.(['k'], () => groups, { turn: updating })
    found.push(turns.isContended('k'))
    return found
  })
  expect(contendedAfter).toEqual([false, true, false])
})

test('close() ends the turn that is held, and another tab goes on', async () => {
  const [first, second] = await browser.newOrigin().openTwoTabs()
  await openStorage(first, second)
  await takeTurn(first)
  await awaitTurn(second, 'next')
  await first.evaluate(() => storage.close())
  await eventually(() => startedTurns(second)).toEqual(['next'])
  await eventually(() => locks(second)).toEqual({ held: 0, pending: 0 })
})

test('close() settles while a turn is awaited, which then begins without locks', async () => {
  const [first, second] = await browser.newOrigin().openTwoTabs()
  await openStorage(first, second)
  await takeTurn(second)
  await awaitTurn(first, 'own')
  await first.evaluate(() => storage.close())
  await eventually(() => startedTurns(first)).toEqual(['own'])
  expect(await locks(second)).toEqual({ held: 1, pending: 0 })
})

test('a turn begins without its lock after a long wait: the tab that holds the lock may hang', async () => {
  const [hanging, other] = await browser.newOrigin().openTwoTabs()
  await openStorage(other)
  await hanging.evaluate(() => {
    void navigator.locks.request(`botshelf:${harness.databaseName}:k`, () => new Promise(() => {}))
  })
  await eventually(() => locks(other)).toEqual({ held: 1, pending: 0 })
  await other.evaluate(() => {
    harness.replaceMethod(globalThis, 'setTimeout', (original) => {
      return ((callback: () => void, ms: number) => original(callback, ms / 100)) as typeof original
    })
  })
  await takeTurn(other)
  expect(await locks(other)).toEqual({ held: 1, pending: 0 })
})

test('a turn begins without locks if the browser rejects them', async () => {
  const tab = await browser.newOrigin().openTab()
  await openStorage(tab)
  const hasLapsed = await tab.evaluate(async () => {
    const denied = new DOMException('Access to locks is denied.', 'SecurityError')
    harness.replaceMethod(LockManager.prototype, 'request', () => () => Promise.reject(denied))
    const granted = await turns.request(['a', 'b'], 60_000)
    granted.release()
    return granted.hasLapsed
  })
  expect(hasLapsed).toBe(false)
})

test('without Web Locks, the users of one storage take turns', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(() => Object.defineProperty(navigator, 'locks', { value: undefined }))
  await openStorage(tab)
  const order = await tab.evaluate(async () => {
    const steps: string[] = []
    const granted = await turns.request(['k'], 60_000)
    const next = turns.request(['k'], 60_000).then(() => steps.push('next'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    steps.push('released')
    granted.release()
    await next
    await storage.close()
    return steps
  })
  expect(order).toEqual(['released', 'next'])
})
