import type { Store } from '../../src/index.ts'
import { collect } from './call-store.ts'

type Call = (store: Store) => Promise<unknown>

const UNPAIRED = '\ud800'
const FUNCTION = (): void => {}

const INVALID_KEYS: readonly Call[] = [
  (store) => store.get(UNPAIRED),
  (store) => store.set(5 as never, 1),
  (store) => store.getMany(['a', UNPAIRED]),
  (store) => store.deleteMany('ab'),
  (store) =>
    store.setMany([
      ['a', 1],
      [UNPAIRED, 2],
    ]),
  (store) => store.update(UNPAIRED, () => 1),
  (store) => store.transaction([], () => 1),
  (store) => store.transaction(['a', UNPAIRED], (tx) => tx.set('a', 1)),
  (store) => store.clear({ prefix: UNPAIRED }),
  (store) => collect(store.keys({ after: UNPAIRED })),
]

const INVALID_VALUES: readonly Call[] = [
  (store) => store.set('a', FUNCTION),
  (store) => store.set('a', undefined),
  (store) => store.set('a', [Symbol('a')]),
  (store) => store.set('a', 1, { ttl: -1 }),
  (store) => store.set('a', 1, { ttl: 1, expires: 1 }),
  (store) => store.set('a', 1, { expires: NaN }),
  (store) => store.set('a', 1, { onInsert: true } as never),
  (store) => store.setMany({ a: 1, b: FUNCTION }),
  (store) =>
    store.setMany([
      ['a', 1],
      ['b', 2, { ttl: 0 }],
    ]),
  (store) => store.insert('a', FUNCTION),
  (store) => store.getOrInsert('a', undefined),
  (store) => store.increment('a', NaN),
  (store) => store.increment('a', 1, { onInsert: 1 } as never),
  (store) => store.append('a', FUNCTION),
  (store) => store.append('a', 1, { max: 0 }),
  (store) => store.touch('a', {}),
  (store) => store.update('a', 5 as never),
  (store) => store.mutable('a', () => 1, FUNCTION),
  (store) => store.transaction(['a'], (tx) => tx.set('a', FUNCTION)),
  (store) => store.transaction(['a'], (tx) => tx.set('a', 1, { ttl: -1 })),
  (store) => store.clear({ after: 'a' } as never),
  (store) => collect(store.entries({ limit: 0 })),
]

/** Calls that a store refuses, with the code of their error. */
export const INVALID_CALLS: readonly (readonly [code: string, call: Call])[] = [
  ...INVALID_KEYS.map((call) => ['INVALID_KEY', call] as const),
  ...INVALID_VALUES.map((call) => ['INVALID_VALUE', call] as const),
]
