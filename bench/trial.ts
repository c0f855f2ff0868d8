import { asValue, assertSameList, createValues } from './content.ts'
import {
  addOne,
  type Database,
  type Entries,
  itemAt,
  keyOf,
  readAll,
  required,
  setEach,
  storedBefore,
  type Task,
  type Value,
} from './task.ts'

type KeyOperation = 'set' | 'get' | 'update'

/** Runs a task on a database. All inputs exist beforehand, so that only the candidate is timed. */
export class Trial {
  readonly #db: Database
  readonly #task: Task
  readonly #values: readonly Value[]
  readonly #keys: readonly string[]
  readonly #entries: Entries

  constructor(db: Database, task: Task) {
    this.#db = db
    this.#task = task
    const { count, keys = count, bytes = 200 } = task
    this.#values = createValues(Math.min(keys, 1000), bytes)
    this.#keys = Array.from({ length: count }, (_, i) => keyOf(i % keys))
    this.#entries = this.#keys.map((key, i) => [key, this.#valueAt(i % keys)])
  }

  /** Puts the seed into every value, so that values of different seeds differ. */
  setSeed(seed: number): void {
    for (const value of this.#values) value.karma = seed
  }

  /** Stores the keys that the task needs, in calls of 1000 entries. */
  async fill(write: (entries: Entries) => Promise<unknown>): Promise<void> {
    const stored = storedBefore(this.#task)
    for (let from = 0; from < stored; from += 1000) {
      const length = Math.min(1000, stored - from)
      await write(
        Array.from({ length }, (_, i) => [keyOf(from + i), this.#valueAt(from + i)] as const),
      )
    }
  }

  /** Runs the task. This is the timed part. */
  async run(): Promise<unknown> {
    const { op, awaited, count, batch = count } = this.#task
    if (op === 'keys') return required(this.#db.keys)()
    if (op === 'entries') return required(this.#db.entries)()
    if (op === 'clear') return required(this.#db.clear)()
    if (op === 'handlers') return this.#runHandlers()
    if (op !== 'set' && op !== 'get' && op !== 'update')
      throw new Error(`Expected an operation of a single open database; received ${op}.`)
    if (awaited) return this.#runInSequence(op)
    if (batch === count) return this.#runAtOnce(op, 0, count)
    const results: unknown[] = []
    for (let from = 0; from < count; from += batch) {
      results.push(...((await this.#runAtOnce(op, from, from + batch)) ?? []))
    }
    return results
  }

  /** @throws Error if `run` returned or stored anything unexpected */
  async verify(result: unknown): Promise<void> {
    const { op, count } = this.#task
    const values = this.#entries.map(([, value]) => value)
    if (op === 'get') assertSameList(result, values, 'The values read')
    if (op === 'keys') assertSameList(result, this.#keys, 'The keys', { isOrdered: false })
    if (op === 'entries') {
      assertSameList(result, this.#entries, 'The entries', { isOrdered: false })
    }
    if (op === 'clear') {
      assertSameList(await required(this.#db.keys)(), [], 'The keys after clear')
    }
    if (op === 'set' || op === 'handlers') {
      assertSameList(await readAll(this.#db, this.#keys), values, 'The values written')
    }
    if (op === 'update') {
      const read = await readAll(this.#db, this.#keys.slice(0, this.#task.keys ?? count))
      const withoutCounts = read.map((value) => ({ ...asValue(value), karma: 0 }))
      const expected = values.slice(0, read.length).map((value) => ({ ...value, karma: 0 }))
      assertSameList(withoutCounts, expected, 'The values updated')
    }
  }

  /** Returns the sum of all karma, to count the updates. */
  async countUpdates(): Promise<number> {
    const { count, keys = count } = this.#task
    const values = await readAll(this.#db, this.#keys.slice(0, keys))
    return values.reduce<number>((sum, value) => sum + asValue(value).karma, 0)
  }

  #valueAt(index: number): Value {
    return itemAt(this.#values, index % this.#values.length)
  }

  async #runAtOnce(
    op: KeyOperation,
    from: number,
    to: number,
  ): Promise<readonly unknown[] | undefined> {
    const db = this.#db
    const isWhole = from === 0 && to === this.#keys.length
    const keys = isWhole ? this.#keys : this.#keys.slice(from, to)
    if (op === 'get') return readAll(db, keys)
    if (op === 'set') {
      const entries = isWhole ? this.#entries : this.#entries.slice(from, to)
      if (db.setAll) await db.setAll(entries)
      else await setEach(db, entries)
      return undefined
    }
    if (db.updateAll) await db.updateAll(keys, addOne)
    else {
      const update = required(db.update)
      await Promise.all(keys.map((key) => update(key, addOne)))
    }
    return undefined
  }

  async #runInSequence(op: KeyOperation): Promise<unknown> {
    if (op === 'get') {
      const get = required(this.#db.get)
      const results: unknown[] = []
      for (const key of this.#keys) results.push(await get(key))
      return results
    }
    if (op === 'set') {
      const set = required(this.#db.set)
      for (const [key, value] of this.#entries) await set(key, value)
      return undefined
    }
    const update = required(this.#db.update)
    for (const key of this.#keys) await update(key, addOne)
    return undefined
  }

  /** Runs as many handlers of chat messages, each of which awaits two reads and a write. */
  async #runHandlers(): Promise<void> {
    const get = required(this.#db.get)
    const set = required(this.#db.set)
    await Promise.all(
      this.#entries.map(async ([key, value], i) => {
        await get(key)
        await get(keyOf(this.#keys.length + i))
        await set(key, value)
      }),
    )
  }
}
