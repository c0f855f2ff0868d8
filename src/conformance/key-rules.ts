import { utf8Bytes } from '../value/copy-value.ts'
import { assert, assertEqual, assertRejects, collect, sortKeys } from './assertions.ts'
import type { Rule } from './rule.ts'
import { createEntry } from './test-data.ts'

/** Keys that a backend may lose, confuse or refuse unless the adapter encodes them. */
const SPECIAL_KEYS = [
  '',
  '.',
  '..',
  ' ',
  '\u0000',
  '\n',
  '/',
  '//',
  'a/b',
  ':',
  'a:b',
  '%',
  '%2F',
  '%25',
  '?',
  '#',
  '?a=b#c',
  '\\',
  '"',
  "'",
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'then',
  'length',
  '0',
  '-1',
  'null',
  'undefined',
  'botshelf',
  'botshelf/1/',
  'indexed',
  'e\u0301',
  '\u00e9',
  '日本語',
  '🤖',
  '\uffff',
  '\ufffd',
  'z'.repeat(200),
]

const NOT_KEYS = ['\ud800', 'a\udc00', 5, null, undefined, {}, ['a'], Symbol('k')] as string[]

/** Keys: any well-formed string, stored verbatim. */
export const KEY_RULES: readonly Rule[] = [
  {
    id: 'keys/special-characters',
    name: 'any well-formed string is a key: it is found, listed and removed verbatim',
    fix: 'encode the key reversibly if the backend restricts its characters; do not normalize or trim it',
    exempt: ({ maxKeyBytes }) =>
      SPECIAL_KEYS.some((key) => utf8Bytes(key) > maxKeyBytes)
        ? `some of the keys are longer than maxKeyBytes (${maxKeyBytes})`
        : undefined,
    run: async (backend) => {
      const store = await backend.openStore()
      for (const key of SPECIAL_KEYS) await store.set(key, { key })
      for (const key of SPECIAL_KEYS) {
        const text = JSON.stringify(key)
        assertEqual(await store.get(key), { key }, `get(${text})`)
        assertEqual(await store.has(key), true, `has(${text})`)
      }
      assertEqual(sortKeys(await collect(store.keys())), sortKeys(SPECIAL_KEYS), 'keys()')
      assertEqual(await store.size(), SPECIAL_KEYS.length, 'size()')
      for (const [key, value] of await collect(store.entries()))
        assertEqual(value, { key }, `the value of ${JSON.stringify(key)} in entries()`)
      for (const key of SPECIAL_KEYS) {
        await store.delete(key)
        assertEqual(await store.has(key), false, `has(${JSON.stringify(key)}) after delete()`)
      }
      assertEqual(await store.size(), 0, 'size() after all keys were deleted')
    },
  },
  {
    id: 'keys/special-characters-in-one-call',
    name: 'commit() and getMany() take all special keys in one call',
    fix: 'use the encoding of get() and set() in commit() and getMany() too, and decode the keys of the result',
    run: async (backend) => {
      const storage = await backend.openStorage()
      await storage.commit(
        SPECIAL_KEYS.map((key) => [{ key, entry: createEntry(key), bytes: 100 }]),
      )
      const found = await storage.getMany(SPECIAL_KEYS)
      assertEqual(sortKeys(found.keys()), sortKeys(SPECIAL_KEYS), 'the keys that getMany() found')
      for (const [key, { value }] of found)
        assertEqual(value, key, `the value of ${JSON.stringify(key)}`)
    },
  },
  {
    id: 'keys/invalid',
    name: 'every method rejects a key that is not a well-formed string with INVALID_KEY',
    fix: 'check that a new namespace has no keys; the store validates keys before it calls the storage',
    run: async (backend) => {
      const store = await backend.openStore({ allowLostUpdates: true })
      for (const key of NOT_KEYS) {
        const text = typeof key === 'symbol' ? 'a symbol' : JSON.stringify(key)
        const calls = {
          get: () => store.get(key),
          has: () => store.has(key),
          set: () => store.set(key, 1),
          delete: () => store.delete(key),
          update: () => store.update(key, () => 1),
          mutable: () => store.mutable(key, () => {}),
          getOrInsert: () => store.getOrInsert(key, 1),
          pop: () => store.pop(key),
          getMany: () => store.getMany([key]),
          deleteMany: () => store.deleteMany([key]),
          setMany: () => store.setMany([[key, 1]]),
          insert: () => store.insert(key, 1),
          increment: () => store.increment(key),
          append: () => store.append(key, 1),
          touch: () => store.touch(key, { ttl: 1 }),
          transaction: () => store.transaction([key], () => 1),
        }
        for (const [name, call] of Object.entries(calls))
          await assertRejects(call(), 'INVALID_KEY', `${name}() of the key ${text}`)
      }
      assertEqual(await store.size(), 0, 'size()')
    },
  },
  {
    id: 'keys/max-length',
    name: 'a key of maxKeyBytes is stored whole; one byte more rejects with INVALID_KEY, and the message names the limit',
    fix: 'lower traits.maxKeyBytes to what the backend stores without truncation',
    exempt: ({ maxKeyBytes, maxValueBytes }) => {
      if (maxKeyBytes === Number.POSITIVE_INFINITY) return 'keys have no limit'
      return maxKeyBytes + 100 > maxValueBytes
        ? `maxValueBytes (${maxValueBytes}) leaves no room for a key of maxKeyBytes (${maxKeyBytes})`
        : undefined
    },
    run: async (backend) => {
      const store = await backend.openStore()
      // The limit may depend on the length of the namespace.
      const { maxKeyBytes } = store.traits
      const longest = `é${'k'.repeat(maxKeyBytes - 2)}`
      await store.set(longest, 1)
      assertEqual(await collect(store.keys()), [longest], 'keys()')
      const { message } = await assertRejects(
        store.set(`${longest}k`, 1),
        'INVALID_KEY',
        `a key of ${maxKeyBytes + 1} bytes`,
      )
      assert(
        message.includes(String(maxKeyBytes)),
        `the message of INVALID_KEY: expected the limit ${maxKeyBytes} in it; received "${message}"`,
      )
    },
  },
]
