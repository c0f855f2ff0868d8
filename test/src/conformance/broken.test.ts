import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { conformance } from '../../../src/conformance.ts'
import type {
  Change,
  Entry,
  Outcome,
  StorageBase,
  StorageListener,
  Traits,
} from '../../../src/index.ts'

// Each storage here breaks one rule. The suite is worth something if it names that very rule.

type Patch = (storage: StorageBase, original: StorageBase, plugin: BrokenPlugin) => void

class BrokenPlugin extends MemoryStoragePlugin {
  readonly #patch: Patch
  readonly #rename: (namespace: string) => string

  constructor(patch: Patch, rename: (namespace: string) => string = (namespace) => namespace) {
    super()
    this.#patch = patch
    this.#rename = rename
  }

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(this.#rename(namespace))
    this.#patch(storage, await super.open(this.#rename(namespace)), this)
    return storage
  }
}

/** All namespaces in one map, under names pasted together. */
class PastingPlugin extends MemoryStoragePlugin {
  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open('all')
    const original = await super.open('all')
    const pasted = `${namespace}:`
    const rename = (change: Change): Change => ({ ...change, key: pasted + change.key })
    storage.getMany = async (keys) => {
      const found = await original.getMany(keys.map((key) => pasted + key))
      return new Map([...found].map(([key, entry]) => [key.slice(pasted.length), entry]))
    }
    storage.commit = (groups) => original.commit(groups.map((group) => group.map(rename)))
    storage.liveKeys = async function* liveKeys(now, { prefix = '' } = {}) {
      for await (const key of original.liveKeys(now, { prefix: pasted + prefix })) {
        yield key.slice(pasted.length)
      }
    }
    storage.clear = async () => {
      for await (const key of original.keys({ prefix: pasted })) await original.remove(key)
    }
    withoutTransact(storage)
    return storage
  }
}

const disk = new Map<string, Map<string, Entry>>()

/** Says that it is durable, and writes to its disk when it is closed. */
class LatePlugin extends MemoryStoragePlugin {
  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    for (const [key, entry] of disk.get(namespace) ?? []) await storage.set(key, entry)
    Object.defineProperty(storage, 'traits', { value: { ...storage.traits, durable: true } })
    storage.close = async () => {
      const all = new Map<string, Entry>()
      for await (const [key, entry] of storage.entries()) all.set(key, entry)
      disk.set(namespace, all)
    }
    return storage
  }
}

/** Tells of a change when it is asked for, whatever becomes of it. */
class EagerTeller extends MemoryStoragePlugin {
  readonly #listeners = new Set<StorageListener>()

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    const original = await super.open(namespace)
    storage.watch = (listener) => {
      this.#listeners.add(listener)
      return () => this.#listeners.delete(listener)
    }
    storage.commit = (groups) => {
      for (const change of groups.flat()) {
        const kind = 'entry' in change ? 'set' : 'remove'
        for (const listener of this.#listeners) listener({ kind, key: change.key })
      }
      return original.commit(groups)
    }
    withoutTransact(storage)
    return storage
  }
}

/** Breaks what is told of changes. */
function telling(
  tell: (change: Parameters<StorageListener>[0], listener: StorageListener) => void,
): Patch {
  return (storage, original) => {
    storage.watch = (listener) =>
      original.watch?.((change) => tell(change, listener)) ?? ((): void => {})
  }
}

/** Breaks what is read: `get` and `getMany` alike. */
function reading(change: (entry: Entry, key: string) => Entry | undefined): Patch {
  return (storage, original) => {
    storage.getMany = async (keys) => {
      const found = new Map<string, Entry>()
      for (const [key, entry] of await original.getMany(keys)) {
        const shown = change(entry, key)
        if (shown !== undefined) found.set(key, shown)
      }
      return found
    }
    storage.entries = async function* entries(options) {
      for await (const [key, entry] of original.entries(options)) {
        const shown = change(entry, key)
        if (shown !== undefined) yield [key, shown]
      }
    }
    withoutTransact(storage)
  }
}

/** Breaks what is written, change by change, within `commit` and `transact`. */
function writing(
  change: (change: Change, storage: StorageBase) => Promise<Change | undefined>,
): Patch {
  return (storage, original) => {
    storage.commit = async (groups) => {
      const changed: Change[][] = []
      for (const group of groups) {
        const made = await Promise.all(group.map((each) => change(each, original)))
        changed.push(made.filter((each) => each !== undefined))
      }
      return original.commit(changed)
    }
    withoutTransact(storage)
  }
}

/** Breaks when the entries of a group expire: by what one has, what the first has, and its place. */
function grouping(
  expiry: (own: number | undefined, first: number | undefined, at: number) => number | undefined,
): Patch {
  return (storage, original) => {
    storage.commit = (groups) =>
      original.commit(
        groups.map((group) => {
          const first = group.map(entryOf).find((entry) => entry !== undefined)?.expires
          return group.map((change, at) => {
            if (!('entry' in change)) return change
            const { expires: own, ...entry } = change.entry
            const expires = expiry(own, first, at)
            return { ...change, entry: expires === undefined ? entry : { ...entry, expires } }
          })
        }),
      )
    withoutTransact(storage)
  }
}

function withoutTransact(storage: StorageBase): void {
  Object.defineProperty(storage, 'transact', { value: undefined })
}

const entryOf = (change: Change): Entry | undefined =>
  'entry' in change ? change.entry : undefined

const BROKEN: readonly { breaks: string; rule: string; make: () => MemoryStoragePlugin }[] = [
  {
    breaks: 'hands out what it holds',
    rule: 'contract/copies-out',
    make: () => {
      const held = new Map<string, Entry>()
      return new BrokenPlugin(
        reading((entry) => {
          const known = held.get(entry.version) ?? entry
          held.set(entry.version, known)
          return known
        }),
      )
    },
  },
  {
    breaks: 'answers null for a missing key',
    rule: 'contract/get-missing',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.get = async (key) => (await original.get(key)) ?? (null as never)
      }),
  },
  {
    breaks: 'drops what is falsy',
    rule: 'values/null',
    make: () => new BrokenPlugin(reading((entry) => (entry.value ? entry : undefined))),
  },
  {
    breaks: 'keeps values as JSON',
    rule: 'values/date',
    make: () =>
      new BrokenPlugin(
        reading((entry) => ({
          ...entry,
          value: JSON.parse(JSON.stringify(entry.value) ?? 'null') as unknown,
        })),
      ),
  },
  {
    breaks: 'forgets the expiry',
    rule: 'contract/entry-kept-whole',
    make: () => new BrokenPlugin(reading(({ value, version }) => ({ value, version }))),
  },
  {
    breaks: 'merges the new value into the old',
    rule: 'contract/set-replaces',
    make: () =>
      new BrokenPlugin(
        writing(async (change, storage) => {
          const entry = entryOf(change)
          const old = entry && (await storage.get(change.key))?.value
          if (entry === undefined || typeof old !== 'object' || typeof entry.value !== 'object')
            return change
          return { ...change, entry: { ...entry, value: { ...old, ...entry.value } } }
        }),
      ),
  },
  {
    breaks: 'throws on removing what is not there',
    rule: 'contract/remove',
    make: () =>
      new BrokenPlugin(
        writing(async (change, storage) => {
          if ('remove' in change && !(await storage.get(change.key))) throw new Error('KeyError')
          return change
        }),
      ),
  },
  {
    breaks: 'keeps what was removed',
    rule: 'contract/remove',
    make: () =>
      new BrokenPlugin(writing(async (change) => ('remove' in change ? undefined : change))),
  },
  {
    breaks: 'is emptied by close',
    rule: 'contract/reopen',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.close = () => original.clear()
      }),
  },
  {
    breaks: 'says that it is durable, and is not',
    rule: 'contract/restart',
    make: () =>
      new BrokenPlugin((storage) => {
        Object.defineProperty(storage, 'traits', {
          value: { ...storage.traits, durable: true } satisfies Traits,
        })
      }),
  },
  {
    breaks: 'ignores conditions',
    rule: 'contract/conditions',
    make: () =>
      new BrokenPlugin(writing(async (change) => ({ ...change, ifVersion: undefined }) as never)),
  },
  {
    breaks: 'holds a condition against the value, not the version',
    rule: 'atomic/delete-and-recreate',
    make: () => {
      const values = new Map<string, unknown>()
      return new BrokenPlugin(
        writing(async (change, storage) => {
          const entry = entryOf(change)
          if (entry) values.set(entry.version, entry.value)
          const now = await storage.get(change.key)
          const expected = change.ifVersion ? values.get(change.ifVersion) : undefined
          const equal =
            now !== undefined && expected !== undefined && Object.is(now.value, expected)
          return equal ? { ...change, ifVersion: now.version } : change
        }),
      )
    },
  },
  {
    breaks: 'writes a blind set late, under the version that was there',
    rule: 'atomic/set-among-updates',
    make: () =>
      new BrokenPlugin(
        writing(async (change, storage) => {
          const entry = entryOf(change)
          const now =
            entry && change.ifVersion === undefined ? await storage.get(change.key) : undefined
          return now && entry ? { ...change, entry: { ...entry, version: now.version } } : change
        }),
      ),
  },
  {
    breaks: 'applies a group up to the change that fails',
    rule: 'contract/group-whole',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.commit = async (groups) => {
          const outcomes: Outcome[] = []
          for (const group of groups) {
            const singly: Outcome[] = []
            for (const change of group) singly.push(...(await original.commit([[change]])))
            outcomes.push(singly.find((outcome) => outcome !== 'applied') ?? 'applied')
          }
          return outcomes
        }
        withoutTransact(storage)
      }),
  },
  {
    breaks: 'lets one group that fails take the rest along',
    rule: 'contract/groups-independent',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.commit = async (groups) => {
          const now = new Map<string, Entry>()
          for await (const [key, entry] of original.entries()) now.set(key, entry)
          const fails = groups
            .flat()
            .some(
              ({ key, ifVersion }) =>
                ifVersion !== undefined && (now.get(key)?.version ?? null) !== ifVersion,
            )
          return fails ? groups.map(() => 'conflict' as const) : original.commit(groups)
        }
      }),
  },
  {
    breaks: 'reads and writes of a transaction with a pause between',
    rule: 'contract/transact',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.transact = async (keys, apply) => {
          const groups = apply(await original.getMany(keys))
          await Promise.resolve()
          return original.commit(
            groups.map((group) =>
              group.map((change) =>
                change.ifVersion === 'never'
                  ? change
                  : ({ ...change, ifVersion: undefined } as never),
              ),
            ),
          )
        }
      }),
  },
  {
    breaks: 'counts expired entries among the living',
    rule: 'contract/live',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.liveLen = () => original.liveLen(Number.NEGATIVE_INFINITY)
      }),
  },
  {
    breaks: 'lets an entry live one millisecond too long',
    rule: 'contract/live',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.liveKeys = (now, options) => original.liveKeys(now - 1, options)
      }),
  },
  {
    breaks: 'knows no prefix',
    rule: 'contract/prefix',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.liveKeys = (now) => original.liveKeys(now)
      }),
  },
  {
    breaks: 'takes a prefix for a pattern',
    rule: 'contract/prefix',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.entries = async function* entries({ prefix = '' } = {}) {
          const like = new RegExp(`^${prefix.replace('%', '.*')}`, 'i')
          for await (const [key, entry] of original.entries())
            if (like.test(key)) yield [key, entry]
        }
      }),
  },
  {
    breaks: 'answers for the first hundred keys',
    rule: 'contract/many-keys',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.getMany = (keys) => original.getMany(keys.slice(0, 100))
      }),
  },
  {
    breaks: 'brings keys into a normal form',
    rule: 'keys/hostile',
    make: () =>
      new BrokenPlugin(
        writing(async (change) => ({ ...change, key: change.key.normalize('NFC') })),
      ),
  },
  {
    breaks: 'looks keys up in a plain object',
    rule: 'contract/get-missing',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.getMany = async (keys) => {
          const found: Record<string, Entry> = Object.fromEntries(await original.getMany(keys))
          return new Map(
            keys.filter((key) => key in found).map((key) => [key, found[key] as Entry]),
          )
        }
      }),
  },
  {
    breaks: 'pastes the namespace to the key',
    rule: 'namespaces/never-meet',
    make: () => new PastingPlugin(),
  },
  {
    breaks: 'trims namespaces',
    rule: 'namespaces/never-meet',
    make: () =>
      new BrokenPlugin(
        () => {},
        (namespace) => namespace.trimEnd(),
      ),
  },
  {
    breaks: 'writes when it is closed',
    rule: 'contract/kept-without-close',
    make: () => new LatePlugin(),
  },
  {
    breaks: 'lists the first hundred',
    rule: 'contract/many-entries',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.liveKeys = async function* liveKeys(now, options) {
          let count = 0
          for await (const key of original.liveKeys(now, options)) if (count++ < 100) yield key
        }
      }),
  },
  {
    breaks: 'clears by the beginning of the name',
    rule: 'namespaces/clear-one',
    make: () => {
      const all = new Map<string, StorageBase>()
      let name = ''
      return new BrokenPlugin(
        (storage, original) => {
          const own = name
          all.set(own, original)
          storage.clear = async () => {
            for (const [other, each] of all) if (other.startsWith(own)) await each.clear()
          }
        },
        (namespace) => (name = namespace),
      )
    },
  },
  {
    breaks: 'lists namespaces as they are stored',
    rule: 'contract/namespaces',
    make: () => new BrokenPlugin(() => {}, encodeURIComponent),
  },
  {
    breaks: 'cuts long keys',
    rule: 'keys/longest',
    make: () =>
      new BrokenPlugin((storage, original) => {
        Object.defineProperty(storage, 'traits', {
          value: { ...storage.traits, maxKeyBytes: 600 } satisfies Traits,
        })
        storage.commit = (groups) =>
          original.commit(
            groups.map((group) =>
              group.map((change) => ({ ...change, key: change.key.slice(0, 512) })),
            ),
          )
        withoutTransact(storage)
      }),
  },
  {
    breaks: 'acknowledges a write before it is made',
    rule: 'order/stranger-reads',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.commit = async (groups) => {
          setTimeout(() => void original.commit(groups), 1)
          return groups.map(() => 'applied' as const)
        }
        withoutTransact(storage)
      }),
  },
  {
    breaks: 'lists entries without their expiry',
    rule: 'ttl/expires',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.entries = async function* entries(options) {
          for await (const [key, { value, version }] of original.entries(options))
            yield [key, { value, version }]
        }
      }),
  },
  {
    breaks: 'keeps until a whole second',
    rule: 'ttl/expires',
    make: () =>
      new BrokenPlugin(
        reading(({ expires, ...entry }) =>
          expires === undefined ? entry : { ...entry, expires: Math.ceil(expires / 1000) * 1000 },
        ),
      ),
  },
  {
    breaks: 'gives a whole group the expiry of its first entry',
    rule: 'ttl/each-its-own',
    make: () => new BrokenPlugin(grouping((_, first) => first)),
  },
  {
    breaks: 'keeps the expiry of the first entry of a group alone',
    rule: 'ttl/each-its-own',
    make: () => new BrokenPlugin(grouping((_, first, at) => (at === 0 ? first : undefined))),
  },
  {
    breaks: 'says that it tells of changes, and cannot',
    rule: 'watch/trait',
    make: () =>
      new BrokenPlugin((storage) => Object.defineProperty(storage, 'watch', { value: undefined })),
  },
  {
    breaks: 'tells of changes, and says that it cannot',
    rule: 'watch/trait',
    make: () =>
      new BrokenPlugin((storage) =>
        Object.defineProperty(storage, 'traits', { value: { ...storage.traits, watch: false } }),
      ),
  },
  {
    breaks: 'tells every change as set',
    rule: 'watch/told',
    make: () =>
      new BrokenPlugin(
        telling((change, listener) => {
          listener({ kind: 'set', key: ('key' in change && change.key) || '' })
        }),
      ),
  },
  {
    breaks: 'tells of no clear',
    rule: 'watch/last',
    make: () =>
      new BrokenPlugin(
        telling((change, listener) => {
          if (change.kind !== 'clear') listener(change)
        }),
      ),
  },
  {
    breaks: 'tells of its own changes alone',
    rule: 'watch/told',
    make: () =>
      new BrokenPlugin((storage, original) => {
        let own = 0
        storage.commit = async (groups) => {
          own++
          try {
            return await original.commit(groups)
          } finally {
            own--
          }
        }
        withoutTransact(storage)
        storage.watch = (listener) =>
          original.watch?.((change) => {
            if (own > 0) listener(change)
          }) ?? ((): void => {})
      }),
  },
  {
    breaks: 'tells of groups that were not applied',
    rule: 'watch/storage',
    make: () => new EagerTeller(),
  },
  {
    breaks: 'tells on after it was asked to stop',
    rule: 'watch/storage',
    make: () =>
      new BrokenPlugin((storage, original) => {
        storage.watch = (listener) => {
          original.watch?.(listener)
          return () => {}
        }
      }),
  },
  {
    breaks: 'tells of every namespace',
    rule: 'watch/namespace',
    make: () => {
      const listeners = new Set<StorageListener>()
      return new BrokenPlugin((storage, original) => {
        original.watch?.((change) => {
          for (const listener of listeners) listener(change)
        })
        storage.watch = (listener) => {
          listeners.add(listener)
          return () => listeners.delete(listener)
        }
      })
    },
  },
]

/** What the case finds wrong; `undefined` if the rule holds. A restart makes the plugin anew. */
async function wrong(rule: string, make: () => MemoryStoragePlugin): Promise<string | undefined> {
  const kept = make()
  const again = rule === 'contract/restart' || rule === 'contract/kept-without-close'
  const plugin = again ? make : () => kept
  const found = conformance({ plugin }).find(({ id }) => id === rule)
  return found?.run().then(
    (exempt) => exempt && `not run: ${exempt}`,
    (error: unknown) => String(error),
  )
}

describe('conformance: each broken storage is caught by the case that names its rule', () => {
  test.each(BROKEN)('$breaks: $rule', async ({ rule, make }) => {
    expect(await wrong(rule, make)).toMatch(/^Error: /)
  })

  test('a storage that breaks nothing passes the same cases', async () => {
    for (const { rule } of BROKEN)
      expect(`${await wrong(rule, () => new BrokenPlugin(() => {}))}`).not.toMatch(/^\w*Error/)
  })
})
