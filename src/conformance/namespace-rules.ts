import { assertEqual, assertRejects, collect, sortKeys } from './assertions.ts'
import type { Rule } from './rule.ts'
import { createEntry } from './test-data.ts'

/** Namespaces and keys that collide if an adapter joins them with a separator or normalizes them. */
const COLLIDING: readonly (readonly [namespace: string, key: string])[] = [
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

/** Namespaces: any non-empty well-formed string, isolated from each other. */
export const NAMESPACE_RULES: readonly Rule[] = [
  {
    id: 'namespaces/isolated',
    name: 'two namespaces never share an entry, with any characters in their names and keys',
    fix: 'escape the separator in the namespace before joining it to a key, or use one table per namespace; do not trim or normalize names',
    run: async (backend) => {
      const runtime = backend.createRuntime()
      const prefix = backend.createNamespace('')
      // The unique prefix comes first, so that a namespace still ends next to its key.
      const cases = COLLIDING.map(([namespace, key]) => ({
        namespace: prefix + namespace,
        key,
        value: `${namespace}|${key}`,
      }))
      for (const { namespace } of cases) await backend.clearNamespace(namespace)
      for (const { namespace, key, value } of cases)
        await (await runtime.open(namespace)).set(key, value)
      for (const { namespace, key, value } of cases) {
        assertEqual(
          await (await runtime.open(namespace)).get(key),
          value,
          `the value of key ${JSON.stringify(key)} in namespace ${JSON.stringify(namespace)}`,
        )
      }
      for (const { namespace } of cases) {
        const own = cases.filter((each) => each.namespace === namespace).map(({ key }) => key)
        assertEqual(
          sortKeys(await collect((await runtime.open(namespace)).keys())),
          sortKeys(own),
          `keys() of namespace ${JSON.stringify(namespace)}`,
        )
      }
    },
  },
  {
    id: 'namespaces/clear-only-one',
    name: 'clear() of namespace users does not touch users-archive, users:, users/x or user',
    fix: 'end the prefix of a namespace with its separator when listing the keys to remove',
    run: async (backend) => {
      const runtime = backend.createRuntime()
      const users = backend.createNamespace('users')
      const others = [`${users}-archive`, `${users}:`, `${users}/x`, users.slice(0, -1)]
      for (const namespace of [...others, users]) {
        await backend.clearNamespace(namespace)
        await (await runtime.open(namespace)).set('1', namespace)
      }
      await (await runtime.open(users)).clear()
      assertEqual(await (await runtime.open(users)).size(), 0, 'size() of users after clear()')
      for (const namespace of others) {
        assertEqual(
          await (await runtime.open(namespace)).get('1'),
          namespace,
          `the value in namespace ${namespace}`,
        )
      }
    },
  },
  {
    id: 'namespaces/invalid',
    name: 'opening an empty or ill-formed namespace rejects with INVALID_NAMESPACE',
    fix: 'open namespaces through StorageRuntime, which validates their names',
    run: async (backend) => {
      const runtime = backend.createRuntime()
      for (const namespace of ['', '\ud800', 5, null, undefined, {}] as string[]) {
        await assertRejects(
          runtime.open(namespace),
          'INVALID_NAMESPACE',
          `opening the namespace ${JSON.stringify(namespace)}`,
        )
      }
    },
  },
  {
    id: 'namespaces/list',
    name: 'namespaces() of a plugin lists each namespace that holds data, once and under its own name',
    fix: 'decode the stored names, and list a namespace once however many keys it has',
    run: async (backend) => {
      if (backend.plugin.namespaces === undefined) return 'the plugin has no namespaces()'
      const used = ['plain', 'sla/sh', 'co:lon', 'per%cent', '%2F', '日本'].map((name) =>
        backend.createNamespace(name),
      )
      for (const namespace of used) {
        await (await backend.openStorage(namespace)).set('k', createEntry(1))
      }
      const listed = await collect(backend.plugin.namespaces())
      for (const namespace of used) {
        assertEqual(
          listed.filter((each) => each === namespace).length,
          1,
          `how often namespaces() lists ${namespace}`,
        )
      }
      return undefined
    },
  },
]
