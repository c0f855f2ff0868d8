import type { Store } from '../store.ts'
import { assertRejects, collect } from './assertions.ts'

/** The methods that a store and a mixin share. */
type StoreMethods = Pick<
  Store,
  | 'get'
  | 'record'
  | 'has'
  | 'getMany'
  | 'set'
  | 'delete'
  | 'deleteMany'
  | 'setMany'
  | 'insert'
  | 'increment'
  | 'append'
  | 'touch'
  | 'transaction'
  | 'update'
  | 'mutable'
  | 'getOrInsert'
  | 'pop'
  | 'size'
  | 'clear'
  | 'keys'
  | 'values'
  | 'entries'
  | 'records'
  | typeof Symbol.asyncIterator
>

/** A call of every method that uses the storage. */
export const STORE_METHODS: Readonly<Record<string, (store: StoreMethods) => Promise<unknown>>> = {
  get: (store) => store.get('k'),
  record: (store) => store.record('k'),
  has: (store) => store.has('k'),
  getMany: (store) => store.getMany(['k']),
  set: (store) => store.set('k', 2),
  delete: (store) => store.delete('k'),
  deleteMany: (store) => store.deleteMany(['k']),
  setMany: (store) => store.setMany({ k: 2 }),
  insert: (store) => store.insert('k', 2),
  increment: (store) => store.increment('number'),
  append: (store) => store.append('list', 2),
  touch: (store) => store.touch('k', { expires: null }),
  transaction: (store) => store.transaction(['k'], (tx) => tx.get('k')),
  update: (store) => store.update('k', () => 2),
  mutable: (store) => store.mutable('k', () => {}, 2),
  getOrInsert: (store) => store.getOrInsert('k', 2),
  pop: (store) => store.pop('k'),
  size: (store) => store.size(),
  clear: (store) => store.clear(),
  keys: (store) => collect(store.keys()),
  values: (store) => collect(store.values()),
  entries: (store) => collect(store.entries()),
  records: (store) => collect(store.records()),
  'for await': (store) => collect(store),
}

/** @throws AssertionError unless every method rejects with `STORE_NOT_OPEN` */
export async function assertAllNotOpen(store: StoreMethods, when: string): Promise<void> {
  const calls = Object.entries(STORE_METHODS).map(([name, call]) =>
    assertRejects(call(store), 'STORE_NOT_OPEN', `${name} ${when}`),
  )
  await Promise.all(calls)
}
