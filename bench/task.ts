import { asValue, same, type Value, valuesFor } from './content.ts'

export type { Value } from './content.ts'

/** One thing to measure, the same for every candidate. */
export interface Task {
  readonly op: 'set' | 'get' | 'update' | 'handlers' | 'keys' | 'entries' | 'clear' | 'open'
  /** How many operations; for `keys`, `entries` and `clear` how many keys there are. */
  readonly count: number
  /** One operation is awaited before the next begins; otherwise all begin at once. */
  readonly awaited?: boolean
  /** How many begin at once, where that is not all of them. */
  readonly batch?: number
  /** On how many keys; as many as there are operations, if it is not said. */
  readonly keys?: number
  /** How many keys there are before it begins; those that it is on, if it is not said. */
  readonly stored?: number
  /** About how long a value is as text, in bytes; 200 if it is not said. */
  readonly bytes?: number
  /** How many times it is done for one sample, which is then the median of them. */
  readonly repeat?: number
}

export type Pairs = readonly (readonly [string, Value])[]
export type Change = (value: Value) => Value

/**
 * One store of a candidate. What a candidate cannot do it leaves out. Where it has both `set` and
 * `setAll`, operations at once take the latter: it is the candidate's way of doing many.
 */
export interface Database {
  readonly set?: (key: string, value: Value) => Promise<unknown>
  readonly get?: (key: string) => Promise<unknown>
  /** Reads, changes and writes in one atomic step, if the candidate can. */
  readonly update?: (key: string, change: Change) => Promise<unknown>
  readonly setAll?: (entries: Pairs) => Promise<unknown>
  /** The values in the order of the keys. */
  readonly getAll?: (keys: readonly string[]) => Promise<readonly unknown[]>
  /** Changes the value of each key; one that stands there twice is changed twice. */
  readonly updateAll?: (keys: readonly string[], change: Change) => Promise<unknown>
  readonly keys?: () => Promise<readonly string[]>
  readonly entries?: () => Promise<readonly (readonly [string, unknown])[]>
  readonly clear?: () => Promise<unknown>
  /** Writes 1000 entries at most, in one transaction where there are any; never measured. */
  readonly fill?: (entries: Pairs) => Promise<unknown>
  readonly close?: () => Promise<void>
}

/** What one sample found. */
export interface Sample {
  /** Milliseconds for the whole task, once. */
  readonly ms: number
  /** What the platform was asked for: transactions, calls of a binding, messages to an object. */
  readonly calls?: Readonly<Record<string, number>>
  /** How many of the updates were lost. */
  readonly lost?: number
}

export function keyOf(index: number): string {
  return `key-${String(index).padStart(6, '0')}`
}

/** Adds one, as `nick++` does. */
export function addOne(value: Value): Value {
  return { ...value, karma: value.karma + 1 }
}

/** A task on a database: its inputs are made beforehand, so that only the candidate's work is timed. */
export class Trial {
  readonly #db: Database
  readonly #task: Task
  readonly #values: readonly Value[]
  readonly #keys: readonly string[]
  readonly #entries: Pairs

  constructor(db: Database, task: Task) {
    this.#db = db
    this.#task = task
    const { count, keys = count, bytes = 200 } = task
    this.#values = valuesFor(Math.min(keys, 1000), bytes)
    this.#keys = Array.from({ length: count }, (_, i) => keyOf(i % keys))
    this.#entries = this.#keys.map((key, i) => [key, this.#valueAt(i % keys)])
  }

  /** Makes what is written, and what is expected, differ from every other seed's. */
  freshen(seed: number): void {
    for (const value of this.#values) value.karma = seed
  }

  /** Stores what the task presupposes, in transactions of 1000 writes, the same for everyone. */
  async fill(write: (entries: Pairs) => Promise<unknown>): Promise<void> {
    const stored = storedBefore(this.#task)
    for (let from = 0; from < stored; from += 1000) {
      const length = Math.min(1000, stored - from)
      await write(
        Array.from({ length }, (_, i) => [keyOf(from + i), this.#valueAt(from + i)] as const),
      )
    }
  }

  /** The measured part. */
  async run(): Promise<unknown> {
    const { op, awaited, count, batch = count } = this.#task
    if (op === 'keys') return has(this.#db.keys)()
    if (op === 'entries') return has(this.#db.entries)()
    if (op === 'clear') return has(this.#db.clear)()
    if (op === 'handlers') return this.#handle()
    if (op === 'open') throw new Error('What opens has no trial.')
    if (awaited) return this.#oneAfterAnother(op)
    if (batch === count) return this.#atOnce(op, 0, count)
    const results: unknown[] = []
    for (let from = 0; from < count; from += batch) {
      results.push(...((await this.#atOnce(op, from, from + batch)) ?? []))
    }
    return results
  }

  /** Looks whether everything is there as it should be. @throws Error what is not */
  async verify(result: unknown): Promise<void> {
    const { op, count } = this.#task
    if (op === 'get')
      same(
        result,
        this.#entries.map(([, value]) => value),
        'The values read',
      )
    if (op === 'keys') same(result, this.#keys, 'The keys', false)
    if (op === 'entries') same(result, this.#entries, 'The entries', false)
    if (op === 'clear') same(await has(this.#db.keys)(), [], 'The keys after clear')
    if (op === 'set' || op === 'handlers') {
      const read = await readAll(this.#db, this.#keys)
      same(
        read,
        this.#entries.map(([, value]) => value),
        'What was written',
      )
    }
    if (op === 'update') {
      const read = await readAll(this.#db, this.#keys.slice(0, this.#task.keys ?? count))
      const plain = read.map((value) => ({ ...asValue(value), karma: 0 }))
      const expected = this.#entries.slice(0, plain.length)
      same(
        plain,
        expected.map(([, value]) => ({ ...value, karma: 0 })),
        'What was updated',
      )
    }
  }

  /** The sum of what `update` counts. */
  async total(): Promise<number> {
    const { count, keys = count } = this.#task
    const values = await readAll(this.#db, this.#keys.slice(0, keys))
    return values.reduce<number>((sum, value) => sum + asValue(value).karma, 0)
  }

  #valueAt(index: number): Value {
    return at(this.#values, index % this.#values.length)
  }

  async #atOnce(
    op: 'set' | 'get' | 'update',
    from: number,
    to: number,
  ): Promise<readonly unknown[] | undefined> {
    const db = this.#db
    const whole = from === 0 && to === this.#keys.length
    const keys = whole ? this.#keys : this.#keys.slice(from, to)
    if (op === 'get') {
      if (db.getAll) return db.getAll(keys)
      const get = has(db.get)
      return Promise.all(keys.map((key) => get(key)))
    }
    if (op === 'set') {
      const entries = whole ? this.#entries : this.#entries.slice(from, to)
      if (db.setAll) await db.setAll(entries)
      else await setEach(db, entries)
      return undefined
    }
    if (db.updateAll) await db.updateAll(keys, addOne)
    else {
      const update = has(db.update)
      await Promise.all(keys.map((key) => update(key, addOne)))
    }
    return undefined
  }

  async #oneAfterAnother(op: 'set' | 'get' | 'update'): Promise<unknown> {
    const { get, set, update } = this.#db
    if (op === 'get') {
      const read = has(get)
      const results: unknown[] = []
      for (const key of this.#keys) results.push(await read(key))
      return results
    }
    if (op === 'set') {
      const write = has(set)
      for (const [key, value] of this.#entries) await write(key, value)
      return undefined
    }
    const change = has(update)
    for (const key of this.#keys) await change(key, addOne)
    return undefined
  }

  /** As many messages of a chat, each answered by code that awaits two reads and a write. */
  async #handle(): Promise<void> {
    const get = has(this.#db.get)
    const set = has(this.#db.set)
    await Promise.all(
      this.#entries.map(async ([key, value], i) => {
        await get(key)
        await get(keyOf(this.#keys.length + i))
        await set(key, value)
      }),
    )
  }
}

/** How many keys there have to be before a task begins. */
export function storedBefore({ op, count, keys = count, stored }: Task): number {
  return stored ?? (op === 'handlers' ? 2 * count : keys)
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (at(sorted, Math.floor(middle)) + at(sorted, Math.ceil(middle))) / 2
}

/** Writes entries one by one, all at once. */
export async function setEach(db: Database, entries: Pairs): Promise<void> {
  const set = has(db.set)
  await Promise.all(entries.map(([key, value]) => set(key, value)))
}

export async function readAll(db: Database, keys: readonly string[]): Promise<readonly unknown[]> {
  const { get, getAll } = db
  if (getAll) return getAll(keys)
  return Promise.all(keys.map((key) => has(get)(key)))
}

function has<F>(method: F | undefined): F {
  if (method === undefined) throw new Error('The candidate cannot do what this workload asks for.')
  return method
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new RangeError(`There is nothing at ${index}.`)
  return found
}
