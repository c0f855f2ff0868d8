import { deferred } from '../async.ts'
import { assertEqual, collect, sortKeys } from './assertions.ts'
import { applyChange, withTimeout } from './change-reader.ts'
import type { Rule } from './rule.ts'
import { createEntry, repeat, setChange } from './test-data.ts'

/** Prefixes that differ from each other at their last character only. The last one begins all. */
const PREFIXES = ['a%', 'a_', 'a/', 'a:', 'a\0', 'a\uffff', 'a😀', 'aé', 'a']

/** Removing many keys at once: those with a prefix, and those of a namespace. */
export const REMOVAL_RULES: readonly Rule[] = [
  {
    id: 'storage/clear-prefix',
    name: 'clearPrefix() removes exactly the keys that begin with the prefix, with any characters at its end',
    fix: 'compare the prefix literally, and end the range of keys behind the last key with the prefix, not at prefix + U+FFFF',
    run: async (backend) => {
      const storage = await backend.openStorage()
      const other = await backend.openStorage()
      const withPrefix = PREFIXES.flatMap((prefix) =>
        ['', '\0', '1', '\uffff', '😀'].map((end) => prefix + end),
      )
      const keys = [...withPrefix, '', 'b', 'A', 'A%', '`']
      let left = sortKeys(new Set(keys))
      const groups = left.map((key) => [setChange(key, createEntry(key))])
      await storage.commit(groups)
      await other.commit(groups)
      for (const prefix of ['missing', ...PREFIXES]) {
        await storage.clearPrefix(prefix)
        left = left.filter((key) => !key.startsWith(prefix))
        const what = `after clearPrefix(${JSON.stringify(prefix)})`
        assertEqual(sortKeys(await collect(storage.keys())), left, `keys() ${what}`)
      }
      assertEqual(await storage.get('a'), undefined, 'get() of a removed key')
      assertEqual(await other.len(), groups.length, 'len() of another namespace')
    },
  },
  {
    id: 'storage/clear-prefix-large',
    name: 'clearPrefix() removes all of 600 keys, and clear() then removes the others',
    fix: "follow the backend's cursor to the last page, and split removals at its limit",
    run: async (backend) => {
      const storage = await backend.openStorage()
      const keys = [...repeat(600, (i) => `a${i}`), 'b']
      await storage.commit(keys.map((key) => [setChange(key, createEntry(1))]))
      await storage.clearPrefix('a')
      assertEqual(await collect(storage.keys()), ['b'], 'keys() after clearPrefix()')
      await storage.clear()
      assertEqual(await storage.len(), 0, 'len() after clear()')
    },
  },
  {
    id: 'storage/clear-prefix-watched',
    name: 'watch() of a storage reports the keys that clearPrefix() removes, and no others',
    fix: "report a 'remove' for each key; 'clear' says that every key was removed",
    exempt: ({ watch }) => (watch ? undefined : 'the backend has no watch()'),
    run: async (backend) => {
      const storage = await backend.openStorage()
      const keys = new Set(['a1', 'a2', 'b'])
      for (const key of keys) await storage.set(key, createEntry(1))
      const { promise: ended, resolve: end } = deferred()
      let hasMissed = false
      const stop = storage.watch?.((change) => {
        if (change.kind === 'unknown') {
          hasMissed = true
          return
        }
        applyChange(keys, change)
        if (change.key === 'end') end()
      })
      await storage.clearPrefix('a')
      await storage.set('end', createEntry(1))
      await withTimeout(ended, 'the change of a set() after clearPrefix()')
      stop?.()
      if (hasMissed) return 'the storage reported that it missed changes'
      assertEqual(sortKeys(keys), ['b', 'end'], 'the keys after the reported changes')
      return undefined
    },
  },
  {
    id: 'namespaces/drop',
    name: 'drop() of a plugin removes a namespace with all of its data and no other, and it can be opened again',
    fix: 'delete all that belongs to the namespace; with namespaces(), also what lists it, or leave drop() out',
    run: async (backend) => {
      const { plugin } = backend
      const namespace = backend.createNamespace('users')
      const others = [`${namespace}-archive`, `${namespace}:`, namespace.slice(0, -1)]
      for (const each of others) {
        await backend.clearNamespace(each)
        await (await backend.openStorage(each)).set('k', createEntry(each))
      }
      for (const when of ['the first time', 'again']) {
        const storage = await plugin.open(namespace)
        for (const key of ['', 'k', 'a/b']) await storage.set(key, createEntry(1))
        await storage.set('expiring', createEntry(1, undefined, Date.now() + 100_000))
        await storage.close()
        await plugin.drop(namespace)
        const reopened = await plugin.open(namespace)
        assertEqual(await collect(reopened.keys()), [], `keys() after drop() ${when}`)
        assertEqual(await reopened.get('k'), undefined, `get() after drop() ${when}`)
        assertEqual(await reopened.len(), 0, `len() after drop() ${when}`)
        await reopened.close()
      }
      for (const each of others) {
        const storage = await backend.openStorage(each)
        assertEqual((await storage.get('k'))?.value, each, `the value in namespace ${each}`)
      }
    },
  },
  {
    id: 'namespaces/drop-missing',
    name: 'drop() of a namespace that does not exist succeeds and creates nothing',
    fix: 'treat "not found" of the backend as success',
    run: async (backend) => {
      const { plugin } = backend
      const missing = backend.createNamespace()
      await plugin.drop(missing)
      await plugin.drop(missing)
      if (plugin.namespaces === undefined) return
      const listed = await collect(plugin.namespaces())
      assertEqual(listed.includes(missing), false, 'whether namespaces() lists it')
    },
  },
  {
    id: 'namespaces/drop-unlisted',
    name: 'namespaces() no longer lists a namespace that was dropped',
    fix: 'remove the namespace from where namespaces() finds it; override drop() if clear() does not do that',
    exempt: ({ consistency }) =>
      consistency === 'strong'
        ? undefined
        : "a listing may be older than the drop (consistency: 'eventual')",
    run: async (backend) => {
      const { plugin } = backend
      if (plugin.namespaces === undefined) return 'the plugin has no namespaces()'
      const namespace = backend.createNamespace()
      const storage = await plugin.open(namespace)
      await storage.set('k', createEntry(1))
      await storage.close()
      await plugin.drop(namespace)
      const listed = await collect(plugin.namespaces())
      assertEqual(listed.includes(namespace), false, 'whether namespaces() lists it')
      return undefined
    },
  },
]
