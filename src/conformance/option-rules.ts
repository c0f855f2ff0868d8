import type { Store } from '../store.ts'
import { assert, assertEqual, assertRejects, collect } from './assertions.ts'
import type { Rule } from './rule.ts'

const STORE_VALIDATES =
  'check that a new namespace has no keys; the store validates options before it calls the storage'

/** A call of every method that takes options, of a key of its own. */
const CALLS: Readonly<Record<string, (store: Store, options: object) => Promise<unknown>>> = {
  set: (store, options) => store.set('set', 1, options),
  setMany: (store, options) => store.setMany({ setMany: 1 }, options),
  'setMany of an entry': (store, options) => store.setMany([['own', 1, options]]),
  insert: (store, options) => store.insert('insert', 1, options),
  increment: (store, options) => store.increment('increment', 1, options),
  append: (store, options) => store.append('append', 1, options),
  touch: (store, options) => store.touch('touch', options),
  transaction: (store, options) =>
    store.transaction(['transaction'], (tx) => tx.set('transaction', 1), options),
  'set of a transaction': (store, options) =>
    store.transaction(['tx'], (tx) => tx.set('tx', 1, options)),
  update: (store, options) => store.update('update', () => 1, options),
  mutable: (store, options) => store.mutable('mutable', () => {}, 1, options),
  getOrInsert: (store, options) => store.getOrInsert('getOrInsert', 1, options),
  clear: (store, options) => store.clear(options),
  keys: (store, options) => collect(store.keys(options)),
  values: (store, options) => collect(store.values(options)),
  entries: (store, options) => collect(store.entries(options)),
  records: (store, options) => collect(store.records(options)),
}
const LISTINGS = ['keys', 'values', 'entries', 'records']
const WITHOUT_EXPIRY = ['clear', ...LISTINGS]
const WITH_ON_INSERT = ['increment', 'append', 'update', 'mutable', 'getOrInsert']

/** Option names that a method does not take, with values that another method takes. */
function unknownNames(method: string): Record<string, unknown> {
  return {
    TTL: 5,
    expire: 5,
    ...(WITHOUT_EXPIRY.includes(method) ? { ttl: 5, expires: 5 } : { prefix: 'a' }),
    ...(WITH_ON_INSERT.includes(method) ? {} : { onInsert: true }),
    ...(method === 'append' ? {} : { max: 5 }),
    ...(LISTINGS.includes(method) ? {} : { limit: 5, after: 'a', reverse: true }),
  }
}

/** The options of all methods. */
export const OPTION_RULES: readonly Rule[] = [
  {
    id: 'options/unknown-name',
    name: 'every method rejects an option that it does not have with INVALID_VALUE, and the message names the option',
    fix: STORE_VALIDATES,
    run: async (backend) => {
      const store = await backend.openStore({ allowLostUpdates: true })
      for (const [method, call] of Object.entries(CALLS)) {
        for (const [name, value] of Object.entries(unknownNames(method))) {
          const what = `${method}() with the option ${name}`
          const options = method === 'touch' ? { ttl: 5, [name]: value } : { [name]: value }
          const { message } = await assertRejects(call(store, options), 'INVALID_VALUE', what)
          assert(
            message.includes(`options.${name} `),
            `the message of ${what}: expected options.${name} in it; received "${message}"`,
          )
        }
      }
      assertEqual(await store.size(), 0, 'size()')
    },
  },
  {
    id: 'options/undefined',
    name: 'an option that is undefined counts as absent',
    fix: 'leave options to the store, which resolves them before it calls the storage',
    run: async (backend) => {
      const store = await backend.openStore({ allowLostUpdates: true })
      const { touch: _, ...calls } = CALLS
      for (const [method, call] of Object.entries(calls)) {
        const onInsert = WITH_ON_INSERT.includes(method) ? { onInsert: undefined } : {}
        const names = LISTINGS.includes(method) ? ['prefix', 'after', 'limit', 'reverse'] : []
        const options = WITHOUT_EXPIRY.includes(method)
          ? { prefix: undefined, ...Object.fromEntries(names.map((name) => [name, undefined])) }
          : { ttl: undefined, expires: undefined, ...onInsert }
        await call(store, options)
        if (WITHOUT_EXPIRY.includes(method)) continue
        const records = await collect(store.records())
        assertEqual(records.length, 1, `the number of keys after ${method}()`)
        const [, record] = records[0] ?? []
        assertEqual('expires' in (record ?? {}), false, `an expiry after ${method}()`)
        await store.clear()
      }
      await store.set('touch', 1, { ttl: 90_000 })
      await store.touch('touch', { ttl: undefined, expires: null })
      assertEqual(await store.record('touch'), { value: 1 }, 'record() after touch()')
      await store.set('set', 1, { expires: null })
      assertEqual(await store.record('set'), { value: 1 }, 'record() after set()')
    },
  },
  {
    id: 'options/invalid-expiry',
    name: 'every method rejects ttl beside expires, an invalid ttl or expires, and onInsert that is no boolean or alone, with INVALID_VALUE',
    fix: STORE_VALIDATES,
    run: async (backend) => {
      const store = await backend.openStore({ allowLostUpdates: true })
      for (const [method, call] of Object.entries(CALLS)) {
        if (WITHOUT_EXPIRY.includes(method)) continue
        const invalid = [
          { ttl: 5, expires: 5 },
          { ttl: 5, expires: null },
          { ttl: 0 },
          { ttl: null },
          { expires: Number.NaN },
          { expires: '5' },
          ...(WITH_ON_INSERT.includes(method) ? [{ ttl: 5, onInsert: 1 }, { onInsert: true }] : []),
        ]
        for (const options of invalid) {
          const what = `${method}() with ${JSON.stringify(options)}`
          await assertRejects(call(store, options), 'INVALID_VALUE', what)
        }
        for (const options of [null, 5, '', [], new Map(), () => 1] as object[])
          await assertRejects(call(store, options), 'INVALID_VALUE', `${method}() with no object`)
        const unreadable = {
          get ttl(): number {
            throw new Error('a getter that throws')
          },
        }
        const what = `${method}() with a getter that throws`
        const { outcome } = await assertRejects(call(store, unreadable), 'INVALID_VALUE', what)
        assertEqual(outcome, 'not-applied', `the outcome of ${what}`)
      }
      assertEqual(await store.size(), 0, 'size()')
    },
  },
]
