import { utf8Bytes } from '../value/copy-value.ts'
import { assert, collect, assertRejects, assertEqual, sortKeys } from './assertions.ts'
import { entry, type Rule } from './test-backend.ts'

/** Keys that some backend or some way of composing names would lose, mix up or refuse. */
const HOSTILE = [
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
  'listed',
  'e\u0301',
  '\u00e9',
  '日本語',
  '🤖',
  '\uffff',
  '\ufffd',
  'z'.repeat(200),
]

/** Namespaces that together with keys would meet, if one were pasted to the other. */
const MEETING: readonly (readonly [namespace: string, key: string])[] = [
  ['a', 'b:c'],
  ['a:b', 'c'],
  ['a:b:c', ''],
  ['a', ':b:c'],
  ['a/b', 'c'],
  ['a', '/b:c'],
  ['a%3Ab', 'c'],
  ['a%', '3Ab:c'],
  ['%61', 'b:c'],
  ['users', '-archive:1'],
  ['users-archive', '1'],
  ['__proto__', 'c'],
  ['..', 'c'],
  ['../a', 'b:c'],
  [' a', 'b:c'],
  ['A', 'b:c'],
  ['a ', 'b:c'],
  ['a\u0000', 'b:c'],
  ['\u00e9', 'b:c'],
  ['e\u0301', 'b:c'],
  [`${'n'.repeat(130)}1`, 'b:c'],
  [`${'n'.repeat(130)}2`, 'b:c'],
]

/** Keys and namespaces: any content, never rewritten, never mixed. */
export const KEY_RULES: readonly Rule[] = [
  {
    id: 'keys/hostile',
    name: 'a key is any well-formed string, and is found, listed and removed as it was given',
    exempt: ({ maxKeyBytes }) =>
      HOSTILE.some((key) => utf8Bytes(key) > maxKeyBytes)
        ? 'some of the keys are longer than the backend takes'
        : undefined,
    run: async (subject) => {
      const store = await subject.store()
      for (const key of HOSTILE) await store.set(key, { key })
      for (const key of HOSTILE) {
        assertEqual(await store.get(key), { key }, `the value under ${JSON.stringify(key)}`)
        assert(await store.has(key), `${JSON.stringify(key)} must be there`)
      }
      assertEqual(sortKeys(await collect(store.keys())), sortKeys(HOSTILE), 'the keys')
      assertEqual(await store.size(), HOSTILE.length, 'the number of keys')
      for (const [key, value] of await collect(store.entries()))
        assertEqual(value, { key }, 'the value of an entry')
      for (const key of HOSTILE) {
        await store.delete(key)
        assert(!(await store.has(key)), `${JSON.stringify(key)} must be gone`)
      }
      assertEqual(await store.size(), 0, 'the number of keys')
    },
  },
  {
    id: 'keys/hostile-together',
    name: 'hostile keys are answered for when they are read in one call',
    run: async (subject) => {
      const storage = await subject.storage()
      await storage.commit(HOSTILE.map((key) => [{ key, entry: entry(key), bytes: 100 }]))
      const found = await storage.getMany(HOSTILE)
      assertEqual(sortKeys(found.keys()), sortKeys(HOSTILE), 'the keys found')
      for (const [key, { value }] of found) assertEqual(value, key)
    },
  },
  {
    id: 'keys/invalid',
    name: 'what is no well-formed string is INVALID_KEY in every method',
    run: async (subject) => {
      const store = await subject.store()
      for (const key of [
        '\ud800',
        'a\udc00',
        5,
        null,
        undefined,
        {},
        ['a'],
        Symbol('k'),
      ] as string[]) {
        const what = `the key ${typeof key === 'symbol' ? 'symbol' : JSON.stringify(key)}`
        await assertRejects(store.get(key), 'INVALID_KEY', what)
        await assertRejects(store.has(key), 'INVALID_KEY', what)
        await assertRejects(store.set(key, 1), 'INVALID_KEY', what)
        await assertRejects(store.delete(key), 'INVALID_KEY', what)
        await assertRejects(
          store.update(key, () => 1),
          'INVALID_KEY',
          what,
        )
        await assertRejects(
          store.mutable(key, () => {}),
          'INVALID_KEY',
          what,
        )
        await assertRejects(store.getOrInsert(key, 1), 'INVALID_KEY', what)
        await assertRejects(store.pop(key), 'INVALID_KEY', what)
      }
      assertEqual(await store.size(), 0, 'the number of keys')
    },
  },
  {
    id: 'keys/longest',
    name: 'a key of maxKeyBytes is stored, and one byte more is INVALID_KEY with the limit',
    exempt: ({ maxKeyBytes, maxValueBytes }) => {
      if (maxKeyBytes === Number.POSITIVE_INFINITY) return 'keys have no limit'
      return maxKeyBytes + 100 > maxValueBytes ? 'a value has no room for the key' : undefined
    },
    run: async (subject) => {
      const store = await subject.store()
      const { maxKeyBytes: limit } = (await subject.storage(store.namespace)).traits
      const longest = `é${'k'.repeat(limit - 2)}`
      await store.set(longest, 1)
      assertEqual(await collect(store.keys()), [longest], 'the keys')
      const { message } = await assertRejects(
        store.set(`${longest}k`, 1),
        'INVALID_KEY',
        'a longer key',
      )
      assert(
        message.includes(String(limit)),
        `the message must name the limit, ${limit}: ${message}`,
      )
    },
  },
  {
    id: 'namespaces/never-meet',
    name: 'two different namespaces never share an entry, whatever they and their keys contain',
    run: async (subject) => {
      const runtime = subject.runtime()
      const unique = subject.namespace('')
      const pairs = MEETING.map(([namespace, key]) => ({
        // In front, so that a namespace and a key that would meet still stand side by side.
        namespace: unique + namespace,
        key,
        id: `${namespace}|${key}`,
      }))
      for (const { namespace } of pairs) await subject.exact(namespace)
      for (const { namespace, key, id } of pairs) await (await runtime.open(namespace)).set(key, id)
      for (const { namespace, key, id } of pairs)
        assertEqual(await (await runtime.open(namespace)).get(key), id, `the value of ${id}`)
      for (const { namespace } of pairs) {
        const own = pairs.filter((pair) => pair.namespace === namespace).map((pair) => pair.key)
        assertEqual(
          sortKeys(await collect((await runtime.open(namespace)).keys())),
          sortKeys(own),
          `the keys of ${namespace}`,
        )
      }
    },
  },
  {
    id: 'namespaces/clear-one',
    name: 'clearing users never touches users-archive, users: or user',
    run: async (subject) => {
      const runtime = subject.runtime()
      const users = subject.namespace('users')
      const others = [`${users}-archive`, `${users}:`, `${users}/x`, users.slice(0, -1)]
      for (const namespace of [...others, users])
        await (await runtime.open(await subject.exact(namespace))).set('1', namespace)
      await (await runtime.open(users)).clear()
      assertEqual(await (await runtime.open(users)).size(), 0, 'the number of keys left')
      for (const namespace of others)
        assertEqual(
          await (await runtime.open(namespace)).get('1'),
          namespace,
          `the value in ${namespace}`,
        )
    },
  },
  {
    id: 'namespaces/invalid',
    name: 'an empty or ill-formed namespace is INVALID_NAMESPACE',
    run: async (subject) => {
      const runtime = subject.runtime()
      for (const namespace of ['', '\ud800', 5, null, undefined, {}] as string[]) {
        await assertRejects(
          runtime.open(namespace),
          'INVALID_NAMESPACE',
          `the namespace ${JSON.stringify(namespace)}`,
        )
      }
    },
  },
]
