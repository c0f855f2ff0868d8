import {
  type Database,
  keyOf,
  median,
  type Pairs,
  readAll,
  type Sample,
  type Task,
  Trial,
} from '../task.ts'
import type { Candidate, Layout } from './candidate.ts'
import { countTransactions } from './count-transactions.ts'
import { put } from './raw-indexeddb.ts'

/** What a page is asked to measure. */
export interface Assignment {
  readonly database: string
  readonly task: Task
  /** Never twice the same, so that every round writes other bytes. */
  readonly seed: number
  /** Reads back all that was written, too: in the round that is not timed. */
  readonly first: boolean
}

declare global {
  var ready: boolean
  var sample: (assignment: Assignment) => Promise<Sample>
  /** Stores one key and lets go of the database. */
  var store: (assignment: Assignment) => Promise<void>
}

/** Lets the driver measure a candidate in this page. */
export function serve(candidate: Candidate): void {
  const databases = new Map<string, Shelf>()
  const take = countTransactions()

  globalThis.sample = async (assignment) => {
    const { database, task } = assignment
    if (task.op === 'open') return opening(candidate, database)
    let shelf = databases.get(database)
    if (shelf === undefined) {
      shelf = await Shelf.open(candidate, database)
      databases.set(database, shelf)
    }
    return shelf.sample(assignment, take)
  }

  globalThis.store = async ({ database, task }) => {
    const shelf = await Shelf.open(candidate, database)
    await shelf.refill({ ...task, op: 'get' }, 0)
    await shelf.close()
  }

  globalThis.ready = true
}

/** A database of the candidate, and what is in it. */
class Shelf {
  readonly #db: Database
  readonly #write: (entries: Pairs) => Promise<unknown>
  #stored = 0
  #filledWith = 0

  static async open(candidate: Candidate, name: string): Promise<Shelf> {
    const db = await candidate.open(name)
    // Some open no sooner than they are used.
    await readAll(db, [keyOf(0)])
    return new Shelf(db, candidate.layout, name)
  }

  private constructor(db: Database, layout: Layout | undefined, name: string) {
    this.#db = db
    const { fill } = db
    this.#write = layout
      ? (entries) => put(layout.database?.(name) ?? name, layout, entries)
      : (entries) => (fill ?? nothing)(entries)
  }

  async close(): Promise<void> {
    await this.#db.close?.()
  }

  async refill(task: Task, seed: number): Promise<void> {
    const trial = new Trial(this.#db, task)
    trial.freshen(seed)
    await trial.fill(this.#write)
    this.#filledWith = seed
    this.#stored = task.stored ?? task.count
    // What was written goes to the disk in the background; it is not to slow down what is timed.
    await pause(50)
  }

  async sample({ task, seed, first }: Assignment, take: () => number): Promise<Sample> {
    if (this.#stored === 0) await this.refill(task, seed)
    const trial = new Trial(this.#db, task)
    const writes = task.op === 'set' || task.op === 'handlers'
    const { repeat = 1, count, op } = task
    const before = op === 'update' ? await trial.total() : 0
    const times: number[] = []
    let transactions = 0
    let result: unknown
    for (let n = 0; n < repeat; n++) {
      trial.freshen(writes ? seed + n : this.#filledWith)
      if (repeat > 1) await pause(1)
      take()
      const start = performance.now()
      result = await trial.run()
      times.push(performance.now() - start)
      transactions = take()
    }
    if (op === 'clear') this.#stored = 0
    // Every read is held against what was stored; what was written is read back once.
    if (!writes || first) await trial.verify(result)
    return {
      ms: median(times),
      calls: { transactions },
      ...(op === 'update' && { lost: before + count * repeat - (await trial.total()) }),
    }
  }
}

/** How long it takes a page that has opened nothing until it holds a value. */
async function opening(candidate: Candidate, name: string): Promise<Sample> {
  const start = performance.now()
  const db = await candidate.open(name)
  const value = await db.get?.(keyOf(0))
  const ms = performance.now() - start
  if (value === undefined || value === null) throw new Error('There is no value to read.')
  return { ms }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

async function nothing(): Promise<void> {
  throw new Error('The candidate has neither a layout nor a way to be filled.')
}
