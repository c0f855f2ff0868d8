import { packed, raw } from './by-hand.ts'
import { attack, count, crashTest, runConformance } from './check.ts'
import { type Contender, type Durability, entriesOf, keyOf, type Shelf } from './contender.ts'
import { journal, today } from './ours.ts'

/** Milliseconds by what took them. */
export type Times = Record<string, number>

declare global {
  var phases: Readonly<Record<string, (seed: number) => Promise<Times>>>
  var checks: {
    readonly runConformance: typeof runConformance
    readonly attack: typeof attack
    readonly count: typeof count
    readonly crashTest: typeof crashTest
  }
}

const CONTENDERS: Readonly<Record<string, Contender>> = {
  raw,
  packed,
  today,
  memory: journal('memory', 1),
  'memory-whole': journal('memory', 10),
  whole: journal('whole', 1),
  heads: journal('heads', 1),
}

const STORED = 10_000
const BURST = 1000
const LONE = 20

const id = location.hostname.split('.', 1)[0] ?? ''
const open = CONTENDERS[id]
const shelves = new Map<string, Shelf>()

globalThis.checks = { runConformance, attack, count, crashTest }
globalThis.phases = {
  relaxed: (seed) => writes('relaxed', seed),
  strict: (seed) => writes('strict', seed),
  updates,
  others,
  'reads, 0': (seed) => reads(0, seed),
  'reads, 1': (seed) => reads(1, seed),
  'reads, 10': (seed) => reads(10, seed),
}

/** Bursts and lone sets; `all` includes what is left to do in the background. */
async function writes(durability: Durability, seed: number): Promise<Times> {
  const shelf = await shelfOf(`writes ${durability}`, durability)
  const times: Times = {}
  for (const size of [BURST, 100, 10]) {
    const repeat = size === BURST ? 1 : 5
    const burst: number[] = []
    const all: number[] = []
    for (let n = 0; n < repeat; n++) {
      const entries = entriesOf(0, size, seed + n)
      await pause(20)
      const start = performance.now()
      await shelf.setAll(entries)
      burst.push(performance.now() - start)
      await shelf.settle()
      all.push(performance.now() - start)
    }
    times[`${durability}: set ${size}`] = median(burst)
    times[`${durability}: set ${size}, all`] = median(all)
  }
  if (id !== 'packed') await verify(shelf, 10, seed + 4)
  const lone: number[] = []
  for (let n = 0; n < LONE; n++) {
    const entries = entriesOf(n, 1, seed + 10)
    await pause(2)
    lone.push(await time(() => shelf.setAll(entries)))
  }
  times[`${durability}: set 1`] = median(lone)
  const rest = await time(() => shelf.settle())
  times[`${durability}: set 1, all`] = median(lone) + rest / LONE
  return times
}

async function updates(seed: number): Promise<Times> {
  const shelf = await shelfOf('updates', 'relaxed')
  const times: Times = {}
  for (const keys of [10, BURST]) {
    await shelf.setAll(entriesOf(0, BURST, seed))
    await shelf.settle()
    await pause(20)
    const names = Array.from({ length: BURST }, (_, n) => keyOf(n % keys))
    const start = performance.now()
    await shelf.addOne(names)
    times[`update 1000 on ${keys}`] = performance.now() - start
    await shelf.settle()
    times[`update 1000 on ${keys}, all`] = performance.now() - start
    await verify(shelf, keys, seed + BURST / keys)
  }
  return times
}

/** What a reader meets who has not written himself, or reads while the journal is moved. */
async function others(seed: number): Promise<Times> {
  const shelf = await shelfOf('others', 'relaxed')
  const other = await shelfOf('others', 'relaxed', 'others, again')
  await other.get(keyOf(0))
  const after: number[] = []
  const during: number[] = []
  for (let n = 0; n < 5; n++) {
    await shelf.setAll(entriesOf(0, BURST, seed + n))
    await pause(20)
    after.push(await time(() => other.get(keyOf(3))))
    const settling = shelf.settle()
    during.push(await time(() => other.get(keyOf(3))))
    await settling
  }
  const times: Times = {}
  times['get after the burst of another tab'] = median(after)
  times['get while that is compacted'] = median(during)
  await verify(other, BURST, seed + 4)
  return times
}

/** Reads of 10,000 entries, of which so many bursts are in the journal. */
async function reads(bursts: number, seed: number): Promise<Times> {
  const name = `reads ${bursts}`
  const shelf = await shelfOf(name, 'relaxed')
  if ((await shelf.size()) < STORED) {
    for (let n = 0; n < STORED; n += BURST) await shelf.setAll(entriesOf(n, BURST, seed))
  }
  // Everything is moved but the last bursts.
  await shelf.settle()
  for (let n = 0; n < bursts; n++) await shelf.setAll(entriesOf(n * BURST, BURST, seed))
  await pause(50)
  const written = Array.from({ length: BURST }, (_, n) => keyOf(n))
  const old = Array.from({ length: BURST }, (_, n) => keyOf(STORED - BURST + n))
  const times: Times = {}
  // As a page does that finds the journal after a crash.
  const start = performance.now()
  const opened = await shelfOf(name, 'relaxed', `${name} ${seed}`)
  await opened.get(keyOf(1))
  times[`open, get; ${bursts} bursts`] = performance.now() - start
  await opened.close()
  shelves.delete(`${name} ${seed}`)
  // Knows what it has written itself; reads once what it does not.
  await shelf.get(keyOf(0))
  for (const [kind, keys] of [
    ['written', written],
    ['old', old],
  ] as const) {
    const lone: number[] = []
    for (let n = 0; n < LONE; n++) {
      await pause(1)
      lone.push(await time(() => shelf.get(keys[n * 7] ?? '')))
    }
    times[`get 1 ${kind}; ${bursts} bursts`] = median(lone)
    times[`get 1000 ${kind}; ${bursts} bursts`] = await time(() => shelf.getAll(keys))
  }
  let found = 0
  times[`size; ${bursts} bursts`] = await time(async () => (found = await shelf.size()))
  same(found, STORED, 'The size')
  times[`keys; ${bursts} bursts`] = await time(async () => (found = (await shelf.keys()).length))
  same(found, STORED, 'The keys')
  let sum = 0
  times[`entries; ${bursts} bursts`] = await time(async () => {
    for (const [, { karma }] of await shelf.entries()) sum += karma === seed ? 1 : 0
  })
  if (sum < bursts * BURST) throw new Error(`Of the entries only ${sum} are new.`)
  if (bursts > 0) await verify(shelf, BURST, seed)
  return times
}

async function shelfOf(database: string, durability: Durability, as = database): Promise<Shelf> {
  let shelf = shelves.get(as)
  if (shelf === undefined) {
    if (open === undefined) throw new Error(`There is no contender ${id}.`)
    shelf = await open(database, durability)
    shelves.set(as, shelf)
  }
  return shelf
}

async function verify(shelf: Shelf, keys: number, karma: number): Promise<void> {
  const values = await shelf.getAll(Array.from({ length: keys }, (_, n) => keyOf(n)))
  for (const value of values) same(value?.karma, karma, 'What was written')
}

function same(found: unknown, expected: unknown, what: string): void {
  if (found !== expected) {
    throw new Error(`${what} should be ${String(expected)} and is ${String(found)}.`)
  }
}

async function time(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
