import { DurableObject } from 'cloudflare:workers'
import { addOne, type Pairs, type Value } from '../task.ts'

/** What somebody writes by hand who wants many operations in one message. */
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

  setMany(entries: Pairs): void {
    for (const [key, value] of entries) this.ctx.storage.kv.put(key, value)
  }

  addOneToMany(keys: readonly string[]): void {
    for (const key of keys) {
      const value = this.ctx.storage.kv.get<Value>(key)
      if (value) this.ctx.storage.kv.put(key, addOne(value))
    }
  }
}
