import { DurableObject } from 'cloudflare:workers'
import { addOne, type Entries, type Value } from '../task.ts'

/** An object with methods for many keys, as a developer without a library writes it. */
export class BaselineObject extends DurableObject {
  get(key: string): Value | undefined {
    return this.ctx.storage.kv.get<Value>(key)
  }

  set(key: string, value: Value): void {
    this.ctx.storage.kv.put(key, value)
  }

  getMany(keys: readonly string[]): (Value | undefined)[] {
    return keys.map((key) => this.ctx.storage.kv.get<Value>(key))
  }

  setMany(entries: Entries): void {
    for (const [key, value] of entries) this.ctx.storage.kv.put(key, value)
  }

  /** Reads and writes each key once, also one that occurs more than once. */
  addOneToMany(keys: readonly string[]): void {
    const { kv } = this.ctx.storage
    const values = new Map<string, Value | undefined>()
    for (const key of keys) {
      const value = values.has(key) ? values.get(key) : kv.get<Value>(key)
      values.set(key, value && addOne(value))
    }
    for (const [key, value] of values) if (value) kv.put(key, value)
  }
}
