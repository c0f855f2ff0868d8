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

  addOneToMany(keys: readonly string[]): void {
    for (const key of keys) {
      const value = this.ctx.storage.kv.get<Value>(key)
      if (value) this.ctx.storage.kv.put(key, addOne(value))
    }
  }
}
