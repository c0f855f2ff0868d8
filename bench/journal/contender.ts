/** What is stored: about 200 bytes of a person, as a bot keeps it. */
export interface Value {
  readonly user: string
  readonly karma: number
  readonly notes: readonly string[]
  readonly updated: Date
}

export type Pairs = readonly (readonly [string, Value])[]
export type Durability = 'strict' | 'relaxed'

/** One database of a contender. */
export interface Shelf {
  /** Stores all at once, and is done when they are kept. */
  setAll(entries: Pairs): Promise<unknown>
  get(key: string): Promise<Value | undefined>
  getAll(keys: readonly string[]): Promise<readonly (Value | undefined)[]>
  /** Adds one to each key's karma, as often as it is named, all at once. */
  addOne(keys: readonly string[]): Promise<unknown>
  size(): Promise<number>
  keys(): Promise<readonly string[]>
  entries(): Promise<Pairs>
  /** Does what is left to do in the background; most have nothing. */
  settle(): Promise<void>
  close(): Promise<void>
}

export type Contender = (name: string, durability: Durability) => Promise<Shelf>

export function keyOf(index: number): string {
  return `key-${String(index).padStart(6, '0')}`
}

/** Entries of keys in a row. A seed makes their bytes differ from every other seed's. */
export function entriesOf(first: number, count: number, seed: number): Pairs {
  return Array.from({ length: count }, (_, at) => {
    const index = first + at
    const notes = [1, 2, 3].map((n) => textOf(index * 4 + n + seed * 40_000))
    const updated = new Date(Date.UTC(2026, 0, 1) + index * 60_000)
    return [keyOf(index), { user: `user-${index}`, karma: seed, notes, updated }] as const
  })
}

export function more(value: Value): Value {
  return { ...value, karma: value.karma + 1 }
}

/** Text of 32 letters that does not compress. */
function textOf(seed: number): string {
  let state = (seed + 1) * 0x9e3779b1
  let text = ''
  while (text.length < 32) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    text += (state >>> 0).toString(36)
  }
  return text.slice(0, 32)
}
