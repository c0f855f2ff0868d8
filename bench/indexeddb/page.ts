import { sleep } from '../../src/async.ts'
import { isStoreError } from '../../src/index.ts'
import {
  addOne,
  type Database,
  type Entries,
  keyOf,
  median,
  readAll,
  required,
  type Sample,
  type Task,
} from '../task.ts'
import { Trial } from '../trial.ts'
import type { Candidate, Layout } from './candidate.ts'
import { countTransactions } from './count-transactions.ts'
import { putEntries } from './raw-indexeddb.ts'

/** A request to measure a task in this page. */
export interface Assignment {
  readonly database: string
  readonly task: Task
  /** Different in every round, so that every round writes different bytes. */
  readonly seed: number
  /** Whether this is the round that is not timed, which also reads back all that was written. */
  readonly isFirst: boolean
}

declare global {
  var ready: boolean
  var sample: (assignment: Assignment) => Promise<Sample>
  /** Fills the database for a `get` of the task, and closes it. */
  var store: (assignment: Assignment) => Promise<void>
  /** Runs the task on a database that has only been read, and counts the updates in it. */
  var updateFirst: (assignment: Assignment) => Promise<Sample & { readonly updates: number }>
  /** Runs all updates of the task at once; resolves to the number that reject with `CONFLICT`. */
  var updateSlowly: (assignment: Assignment) => Promise<number>
  /** Returns the number of updates that the database contains. */
  var countUpdates: (assignment: Assignment) => Promise<number>
}

/** Lets the benchmark measure a candidate in this page. */
export function serve(candidate: Candidate): void {
  const databases = new Map<string, MeasuredDatabase>()
  const takeTransactionCount = countTransactions()

  const open = async (name: string): Promise<MeasuredDatabase> => {
    const database = databases.get(name) ?? (await MeasuredDatabase.open(candidate, name))
    databases.set(name, database)
    return database
  }

  globalThis.sample = async (assignment) => {
    const { database: name, task } = assignment
    if (task.op === 'open') return measureOpen(candidate, name)
    return (await open(name)).sample(assignment, takeTransactionCount)
  }

  globalThis.store = async ({ database: name, task }) => {
    const database = await MeasuredDatabase.open(candidate, name)
    await database.refill({ ...task, op: 'get' }, 0)
    await database.close()
  }

  globalThis.updateFirst = async ({ database: name, task }) => {
    const { db } = await open(name)
    const trial = new Trial(db, task)
    // Other work of the browser for the new page must not slow down the timed part.
    await sleep(100)
    takeTransactionCount()
    const start = performance.now()
    await trial.run()
    const ms = performance.now() - start
    const calls = { transactions: takeTransactionCount() }
    return { ms, calls, updates: await trial.countUpdates() }
  }

  globalThis.updateSlowly = async ({ database, task }) => (await open(database)).updateSlowly(task)
  globalThis.countUpdates = async ({ database, task }) =>
    new Trial((await open(database)).db, task).countUpdates()

  globalThis.ready = true
}

/** A database of the candidate, and what it was filled with. */
class MeasuredDatabase {
  readonly db: Database
  readonly #write: (entries: Entries) => Promise<unknown>
  #storedKeys = 0
  #storedSeed = 0

  static async open(candidate: Candidate, name: string): Promise<MeasuredDatabase> {
    const db = await candidate.open(name)
    // Some libraries open the database with the first call.
    await readAll(db, [keyOf(0)])
    return new MeasuredDatabase(db, candidate.layout, name)
  }

  private constructor(db: Database, layout: Layout | undefined, name: string) {
    this.db = db
    const { fill } = db
    this.#write = layout
      ? (entries) => putEntries(layout.database?.(name) ?? name, layout, entries)
      : (entries) => (fill ?? failToFill)(entries)
  }

  async close(): Promise<void> {
    await this.db.close?.()
  }

  async refill(task: Task, seed: number): Promise<void> {
    const trial = new Trial(this.db, task)
    trial.setSeed(seed)
    await trial.fill(this.#write)
    this.#storedSeed = seed
    this.#storedKeys = task.stored ?? task.count
    // Chromium writes to the disk in the background, which must not slow down the timed part.
    await sleep(50)
  }

  async updateSlowly({ count, keys = count, updaterMs = 0 }: Task): Promise<number> {
    const update = required(this.db.updateSlowly)
    const results = await Promise.allSettled(
      Array.from({ length: count }, (_, i) =>
        update(keyOf(i % keys), async (value) => {
          await sleep(updaterMs)
          return addOne(value)
        }),
      ),
    )
    const errors = results.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    const other = errors.find((error) => !isStoreError(error) || error.code !== 'CONFLICT')
    if (other !== undefined) throw other
    return errors.length
  }

  async sample(
    { task, seed, isFirst }: Assignment,
    takeTransactionCount: () => number,
  ): Promise<Sample> {
    if (this.#storedKeys === 0) await this.refill(task, seed)
    const trial = new Trial(this.db, task)
    const isWrite = task.op === 'set' || task.op === 'handlers'
    const { repeat = 1, count, op } = task
    const before = op === 'update' ? await trial.countUpdates() : 0
    const times: number[] = []
    let transactions = 0
    let result: unknown
    for (let n = 0; n < repeat; n++) {
      trial.setSeed(isWrite ? seed + n : this.#storedSeed)
      if (repeat > 1) await sleep(1)
      takeTransactionCount()
      const start = performance.now()
      result = await trial.run()
      times.push(performance.now() - start)
      transactions = takeTransactionCount()
    }
    if (op === 'clear') this.#storedKeys = 0
    // Verifies reads in every round, and writes in the first.
    if (!isWrite || isFirst) await trial.verify(result)
    return {
      ms: median(times),
      calls: { transactions },
      ...(op === 'update' && { lost: before + count * repeat - (await trial.countUpdates()) }),
    }
  }
}

/** Measures the time until a page that has opened nothing has read a value. */
async function measureOpen(candidate: Candidate, name: string): Promise<Sample> {
  const start = performance.now()
  const db = await candidate.open(name)
  const value = await db.get?.(keyOf(0))
  const ms = performance.now() - start
  if (value === undefined || value === null)
    throw new Error(`Expected a value of ${keyOf(0)}; received ${String(value)}.`)
  return { ms }
}

async function failToFill(): Promise<void> {
  throw new Error('A candidate must have a layout or a `fill` method; received neither.')
}
