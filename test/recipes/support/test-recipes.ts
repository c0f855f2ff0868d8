import { expect, test } from 'vitest'
import { sleep } from '../../../src/async.ts'
import { StorageRuntime, type StoragePluginBase, type Store } from '../../../src/index.ts'
import { createSchema } from '../../support/schemas.ts'
import { push, take } from '../bounded-queue.ts'
import { runOnce } from '../idempotency-key.ts'
import { addPoints, topTen } from '../leaderboard.ts'
import { acquire, extend, release } from '../lock.ts'
import { convertAll, openKarma } from '../migration.ts'
import { isAllowed } from '../rate-limiter.ts'
import { countMessage, start } from '../sliding-session.ts'

const CLIENTS = 50

/** A clock that all clients of a test share. It stands still unless a test moves it. */
interface Clock {
  time: number
}

/**
 * Tests every recipe with 50 clients at the same time.
 *
 * @param createPlugin called for each client; all of its plugins share their data
 */
export function testRecipes(backend: string, createPlugin: () => StoragePluginBase): void {
  const openStores = async <V>(clock: Clock): Promise<readonly Store<Record<string, V>>[]> => {
    const namespace = `recipes-${crypto.randomUUID()}`
    return forEachClient(() =>
      new StorageRuntime(createPlugin(), { now: () => clock.time }).open(namespace),
    )
  }

  test(`the rate limiter lets through the limit in each window on ${backend}`, async () => {
    const clock = { time: Date.now() }
    const stores = await openStores<number>(clock)
    const callTwice = stores.flatMap((store) => [store, store])
    const burst = await Promise.all(callTwice.map((store) => isAllowed(store, 'ann', 20, 60_000)))
    expect(burst.filter(Boolean)).toHaveLength(20)
    clock.time += 59_999
    expect(await isAllowed(stores[0]!, 'ann', 20, 60_000)).toBe(false)
    expect(await isAllowed(stores[0]!, 'ben', 20, 60_000)).toBe(true)
    clock.time += 1
    const next = await Promise.all(stores.map((store) => isAllowed(store, 'ann', 20, 60_000)))
    expect(next.filter(Boolean)).toHaveLength(20)
  })

  test(`an idempotency key lets one of 50 deliveries act on ${backend}`, async () => {
    const stores = await openStores<true>({ time: Date.now() })
    let acts = 0
    const deliver = (store: Store<Record<string, true>>) =>
      runOnce(store, 'update-1', async () => {
        acts++
        await sleep(20)
      })
    const results = await Promise.all(stores.map(deliver))
    expect([acts, results.filter(Boolean).length]).toEqual([1, 1])
    expect(await deliver(stores[0]!)).toBe(false)
  })

  test(`an idempotency key is free again after its action failed on ${backend}`, async () => {
    const [first, second] = await openStores<true>({ time: Date.now() })
    const failing = runOnce(first!, 'update-2', () => Promise.reject(new Error('offline')))
    await expect(failing).rejects.toThrow('offline')
    expect(await runOnce(second!, 'update-2', async () => {})).toBe(true)
  })

  test(`a lock has one holder at a time on ${backend}`, async () => {
    const stores = await openStores<string>({ time: Date.now() })
    let [holders, mostHolders, entered] = [0, 0, 0]
    await Promise.all(
      stores.map(async (store) => {
        let token: string | undefined
        while ((token = await acquire(store, 'report', 60_000)) === undefined) {
          await sleep(20 * Math.random())
        }
        mostHolders = Math.max(mostHolders, ++holders)
        await sleep(1)
        holders--
        entered++
        await release(store, 'report', token)
      }),
    )
    expect([mostHolders, entered]).toEqual([1, CLIENTS])
  })

  test(`an expired lock cannot be extended or released by its old holder on ${backend}`, async () => {
    const clock = { time: Date.now() }
    const [first, second, third] = await openStores<string>(clock)
    const lost = (await acquire(first!, 'report', 60_000))!
    clock.time += 59_999
    expect(await extend(first!, 'report', lost, 60_000)).toBe(true)
    clock.time += 60_000
    expect(await extend(first!, 'report', lost, 60_000)).toBe(false)
    const held = (await acquire(second!, 'report', 60_000))!
    await release(first!, 'report', lost)
    expect(await extend(first!, 'report', lost, 60_000)).toBe(false)
    expect(await acquire(third!, 'report', 60_000)).toBeUndefined()
    clock.time += 59_999
    expect(await extend(second!, 'report', held, 60_000)).toBe(true)
    await release(second!, 'report', held)
    expect(await acquire(third!, 'report', 60_000)).toBeTypeOf('string')
  })

  test(`a session counts each message, and ends half an hour after the last on ${backend}`, async () => {
    const clock = { time: Date.now() }
    const stores = await openStores<{ user: string; messages: number }>(clock)
    const id = await start(stores[0]!, 'ann')
    await Promise.all([...stores, ...stores].map((store) => countMessage(store, id)))
    for (const messages of [101, 102]) {
      clock.time += 1_799_999
      expect(await countMessage(stores[0]!, id)).toEqual({ user: 'ann', messages })
    }
    clock.time += 1_800_000
    const late = await Promise.all(stores.map((store) => countMessage(store, id)))
    expect(late).toEqual(stores.map(() => undefined))
    expect(await stores[0]!.has(id)).toBe(false)
  })

  test(`a queue takes no more jobs than its bound, in order, on ${backend}`, async () => {
    const stores = await openStores<string[]>({ time: Date.now() })
    const jobs = stores.map((_, index) => `job-${index}`)
    const accepted = await Promise.all(
      stores.map((store, index) => push(store, 'mail', jobs[index]!, 10)),
    )
    expect(accepted.filter(Boolean)).toHaveLength(10)
    const waiting = (await stores[0]!.get('mail'))!
    expect(waiting.toSorted()).toEqual(jobs.filter((_, index) => accepted[index]).toSorted())
    expect(await take(stores[0]!, 'mail')).toBe(waiting[0])
    const taken = await Promise.all(stores.map((store) => take(store, 'mail')))
    expect(taken.filter((job) => job !== undefined).toSorted()).toEqual(waiting.slice(1).toSorted())
  })

  test(`a queue loses no job and hands out none twice on ${backend}`, async () => {
    const stores = await openStores<string[]>({ time: Date.now() })
    const jobs = Array.from({ length: 200 }, (_, index) => `job-${index}`)
    const toPush = [...jobs]
    const taken: string[] = []
    const produce = async (store: Store<Record<string, string[]>>): Promise<void> => {
      for (let job = toPush.pop(); job !== undefined; job = toPush.pop()) {
        while (!(await push(store, 'mail', job, 20))) await sleep(5 * Math.random())
      }
    }
    const consume = async (store: Store<Record<string, string[]>>): Promise<void> => {
      while (taken.length < jobs.length) {
        const job = await take(store, 'mail')
        if (job === undefined) await sleep(5 * Math.random())
        else taken.push(job)
      }
    }
    const half = CLIENTS / 2
    await Promise.all([...stores.slice(0, half).map(produce), ...stores.slice(half).map(consume)])
    expect(taken.toSorted()).toEqual(jobs.toSorted())
    expect(await take(stores[0]!, 'mail')).toBeUndefined()
  })

  test(`the top ten of 5,000 players are those of a sort of the scores on ${backend}`, async () => {
    const stores = await openStores<number>({ time: Date.now() })
    const scores = new Map(
      Array.from({ length: 5000 }, (_, index) => [`player-${index}`, (index * 7919) % 100_003]),
    )
    await stores[0]!.setMany(
      [...scores].flatMap(([name, score]) => [
        [`score/${name}`, score],
        [`ranked/${name}`, score],
        [`rank/${String(score).padStart(12, '0')}/${name}`, score],
      ]),
    )
    // Each client adds to one of ten players, to the player of all clients, and to one of its own.
    await Promise.all(
      stores.map(async (store, index) => {
        for (const [name, points] of [
          [`player-${index % 10}`, 10_000],
          ['player-10', 2001],
          [`player-${100 + index}`, 90_000],
        ] as const) {
          await addPoints(store, name, points)
          scores.set(name, scores.get(name)! + points)
        }
      }),
    )
    const top: (readonly [string, number])[] = []
    for await (const [key, score] of topTen(stores[0]!)) top.push([key.split('/')[2]!, score])
    const byScore = [...scores].toSorted(
      ([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? 1 : -1),
    )
    expect(top).toEqual(byScore.slice(0, 10))
    expect(await stores[1]!.get('score/player-10')).toBe(scores.get('player-10'))
    expect(await stores[1]!.size()).toBe(15_000)
  })

  test(`a migration converts each value once, while 50 clients write, on ${backend}`, async () => {
    const before = await new StorageRuntime(createPlugin()).open<Record<string, number>>('Karma')
    await before.setMany({ ann: 3, ben: 5 })
    const stores = await forEachClient(() => openKarma(new StorageRuntime(createPlugin()), karma))
    const praise = (store: (typeof stores)[number], index: number) =>
      store.mutable('ann', (value) => {
        value!.points++
        value!.reasons.push(`reason ${index}`)
      })
    await Promise.all([convertAll(stores[0]!), convertAll(stores[1]!), ...stores.map(praise)])
    const ann = await stores[0]!.get('ann')
    expect(ann?.points).toBe(3 + CLIENTS)
    expect(new Set(ann?.reasons)).toEqual(new Set(stores.map((_, index) => `reason ${index}`)))
    // A store without options shows what is stored.
    expect(await before.get('ben')).toEqual({ points: 5, reasons: [] })
    const wrong: unknown = { points: 3 }
    await expect(stores[0]!.set('cat', wrong as never)).rejects.toMatchObject({
      code: 'INVALID_VALUE',
    })
  })
}

function forEachClient<R>(run: () => Promise<R>): Promise<R[]> {
  return Promise.all(Array.from({ length: CLIENTS }, run))
}

const karma = createSchema<{ points: number; reasons: string[] }>((value) =>
  isKarma(value) ? { value } : { issues: [{ message: 'is no karma' }] },
)

function isKarma(value: unknown): value is { points: number; reasons: string[] } {
  return typeof value === 'object' && value !== null && 'points' in value && 'reasons' in value
}
