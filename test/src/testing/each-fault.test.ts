import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import {
  type Change,
  type CommitResult,
  isStoreError,
  StorageBase,
  StorageRuntime,
  StoreError,
} from '../../../src/index.ts'
import { collect } from '../../../src/conformance/assertions.ts'
import { eachFault } from '../../../src/testing/each-fault.ts'
import type { FaultScript } from '../../../src/testing/fault-run.ts'
import { faulty } from '../../../src/testing/faulty.ts'
import { BrokenPlugin } from '../conformance/broken/broken-plugin.ts'
import { patchPerform } from '../conformance/broken/performing-plugin.ts'
import { MinimalStoragePlugin } from '../../support/minimal-plugin.ts'

/** The six methods over a `Map`, with a mistake that a fault brings to light. */
class PlantedPlugin extends MinimalStoragePlugin {
  readonly #plant: (storage: StorageBase) => void

  constructor(plant: (storage: StorageBase) => void) {
    super({})
    this.#plant = plant
  }

  override async open(namespace: string): Promise<StorageBase> {
    const storage = await super.open(namespace)
    this.#plant(storage)
    return storage
  }
}

/** Replaces `commit` by one that calls `set` for each change. */
function commitBySet(
  storage: StorageBase,
  commit: (changes: readonly Change[]) => Promise<CommitResult>,
): void {
  storage.commit = async (groups) => Promise.all(groups.map(commit))
}

async function setAll(storage: StorageBase, changes: readonly Change[]): Promise<void> {
  for (const change of changes) if ('entry' in change) await storage.set(change.key, change.entry)
}

/** After an error, no call of the storage ends. */
function neverAfterError(storage: StorageBase): void {
  commitBySet(storage, async (changes) => {
    try {
      await setAll(storage, changes)
      return 'applied'
    } catch (error) {
      storage.set = () => new Promise(() => {})
      storage.close = () => new Promise(() => {})
      throw error
    }
  })
}

function unreadableAfterTimeout(): (storage: StorageBase) => void {
  let isBroken = false
  return (storage) => {
    const keys = storage.keys.bind(storage)
    storage.keys = (options) => {
      if (isBroken) throw new Error('lost')
      return keys(options)
    }
    storage.onTimeout = () => {
      isBroken = true
    }
  }
}

const setTwo: FaultScript = async ({ open }) => {
  const store = await open('n')
  await store.setMany({ a: 1, b: 1 }).catch(rethrowOther)
  await store.set('c', 1).catch(rethrowOther)
}

function rethrowOther(error: unknown): void {
  if (!isStoreError(error)) throw error
}

describe('eachFault reports', () => {
  test.each<{
    readonly name: string
    readonly plant: (storage: StorageBase) => void
    readonly report: { readonly fault: string; readonly on: string; readonly nth: number }
    readonly problem: RegExp | readonly RegExp[]
  }>([
    {
      name: 'an acknowledged write that is absent',
      plant: (storage) => {
        storage.onTimeout = () => void storage.clear()
      },
      report: { on: 'commit', nth: 2, fault: 'never' },
      problem: /at the end there is "a": missing;.* "a": 1/,
    },
    {
      name: 'a write that is there although its error says not-applied',
      plant: (storage) =>
        commitBySet(storage, async (changes) => {
          try {
            await setAll(storage, changes)
            return 'applied'
          } catch {
            return new StoreError('CONNECTION_LOST', 'gone', { outcome: 'not-applied' })
          }
        }),
      report: { on: 'set', nth: 3, fault: 'reject-after' },
      problem: /at the end there is "c": 1;.* "c": missing/,
    },
    {
      name: 'a group that is applied in part',
      plant: (storage) => {
        Object.defineProperty(storage, 'traits', { value: { ...storage.traits, atomic: 'global' } })
        commitBySet(storage, async (changes) => {
          try {
            await setAll(storage, changes)
            return 'applied'
          } catch {
            return new StoreError('TIMEOUT', 'slow')
          }
        })
      },
      report: { on: 'set', nth: 2, fault: 'reject-before' },
      problem: /at the end there is "a": 1, "b": missing;/,
    },
    {
      name: 'a rejection that is not handled',
      plant: (storage) =>
        commitBySet(storage, async (changes) => {
          void storage.remove('index')
          await setAll(storage, changes)
          return 'applied'
        }),
      report: { on: 'remove', nth: 1, fault: 'reject-before' },
      problem: /^A rejection was not handled: CONNECTION_LOST/,
    },
    {
      name: 'an error without a code',
      plant: (storage) => {
        const { traits } = storage
        let isBroken = false
        storage.onTimeout = () => {
          isBroken = true
        }
        Object.defineProperty(storage, 'traits', {
          get() {
            if (isBroken) throw new TypeError('traits is undefined')
            return traits
          },
        })
      },
      report: { on: 'commit', nth: 1, fault: 'never' },
      problem: /set\("c", 1\).* failed with an error without a code, traits is undefined/,
    },
    {
      name: 'a call, a script and a close() that do not end',
      plant: neverAfterError,
      report: { on: 'set', nth: 1, fault: 'reject-before' },
      problem: [
        /^The script did not end within 200 ms\.$/,
        /^runtime\.close\(\) did not end within 200 ms\.$/,
        /set\("c", 1\) .*it did not settle/,
      ],
    },
    {
      name: 'a runtime that cannot be closed',
      plant: (storage) => {
        storage.onTimeout = () => {
          storage.close = () => Promise.reject(new Error('lost'))
        }
      },
      report: { on: 'commit', nth: 2, fault: 'never' },
      problem: /^runtime\.close\(\) failed: BACKEND_ERROR/,
    },
    {
      name: 'contents that cannot be read',
      plant: unreadableAfterTimeout(),
      report: { on: 'commit', nth: 1, fault: 'never' },
      problem: /^Reading the contents failed: BACKEND_ERROR: .*lost/,
    },
  ])('$name', async ({ plant, report, problem }) => {
    const { reports } = await eachFault(() => new PlantedPlugin(plant), setTwo, {
      faults: [report.fault as never],
      runTimeout: 200,
      runtime: { allowLostUpdates: true },
    })
    expect(reports).toContainEqual({
      ...report,
      problems: expect.arrayContaining([problem].flat().map((each) => expect.stringMatching(each))),
    })
    // Only with the fault.
    expect(reports.filter(({ fault }) => fault === undefined)).toEqual([])
  })
})

const memory = (): MemoryStoragePlugin => new MemoryStoragePlugin()

test('each call fails once with each fault, and Memory has no problem', async () => {
  const { runs, calls, reports } = await eachFault(memory, setTwo)
  // open, commit, commit and close.
  expect({ runs, calls, reports }).toEqual({ runs: 1 + 4 * 9, calls: 4, reports: [] })
})

test('a report is a plan that repeats the fault', async () => {
  const { reports } = await eachFault(
    memory,
    async ({ open }) => {
      const counts = await open('n')
      // Wrong: a call that is repeated after an unknown outcome may count twice.
      await counts.increment('ann').catch(() => counts.increment('ann'))
      return (contents) => expect(contents.get('n')?.get('ann')).toBe(1)
    },
    { faults: ['reject-after', 'late'], operationTimeout: 300 },
  )
  expect(reports).toEqual([
    {
      on: 'transact',
      nth: 1,
      fault: 'late',
      problems: [expect.stringMatching(/^The check failed: AssertionError: expected 2 to be 1/)],
    },
  ])
  const plugin = faulty(memory(), [{ on: 'transact', nth: 1, fault: 'late', ms: 1000 }])
  const store = await new StorageRuntime(plugin, { operationTimeout: 50 }).open('n')
  await expect(store.increment('ann')).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(await store.get('ann')).toBe(1)
})

test('a script that fails without a fault is reported once, and is not repeated', async () => {
  const problems = ['The script failed: RangeError: wrong']
  expect(
    await eachFault(memory, () => {
      throw new RangeError('wrong')
    }),
  ).toEqual({
    runs: 1,
    calls: 0,
    reports: [{ on: undefined, nth: undefined, fault: undefined, problems }],
  })
})

test('runs over one backend do not see each other, and leave nothing behind', async () => {
  const plugin = new MemoryStoragePlugin()
  const found: number[] = []
  const script: FaultScript = async ({ runtime, open }) => {
    const store = await open('n')
    found.push(await store.size())
    await store.set('a', 1)
    expect(await collect(runtime.namespaces())).toEqual(['n'])
  }
  const { reports, runs } = await eachFault(() => plugin, script, {
    faults: ['reject-after'],
    on: ['commit'],
  })
  expect({ reports, runs }).toEqual({ reports: [], runs: 2 })
  expect(found).toEqual([0, 0])
  expect(await collect(plugin.namespaces())).toEqual([])
})

test('`faults` and `on` select the runs, and other options are rejected', async () => {
  const { runs } = await eachFault(memory, setTwo, { faults: ['never', 'late'], on: ['commit'] })
  expect(runs).toBe(1 + 2 * 2)
  const kinds: string[] = []
  const counted = await eachFault(memory, setTwo, {
    faults: ({ kind }) => {
      kinds.push(kind)
      return kind === 'close' ? ['reject-before', 'throw-after'] : []
    },
  })
  expect(counted.runs).toBe(1 + 2)
  expect(kinds).toEqual(['open', 'commit', 'commit', 'close'])
  for (const options of [
    { faults: ['always'] },
    { on: ['read'] },
    { runTimeout: 0 },
    { seed: 1 },
  ]) {
    await expect(eachFault(memory, setTwo, options as never)).rejects.toMatchObject({
      code: 'INVALID_VALUE',
    })
  }
})

test('a watch that never reports and steps that run twice are left out: no storage may do so', async () => {
  const { calls, runs, reports } = await eachFault(
    () => new BrokenPlugin(patchPerform()),
    async ({ open }) => {
      const store = await open('n')
      const watch = store.watch()
      await store.increment('a')
      await watch.next()
    },
    { faults: ['never', 'twice'], on: ['watch', 'perform'] },
  )
  // open, watch, perform with a transaction, and close.
  expect({ calls, runs }).toEqual({ calls: 4, runs: 1 + 2 })
  expect(reports).toEqual([])
})

test('several runs at once give the same result', async () => {
  const alone = await eachFault(memory, setTwo, { faults: ['reject-after', 'twice'] })
  const options = { faults: ['reject-after', 'twice'], concurrency: 5 } as const
  expect(await eachFault(memory, setTwo, options)).toEqual(alone)
})

test('runtime.drop() counts as the removal of all keys', async () => {
  expect(
    (
      await eachFault(memory, async ({ runtime, open }) => {
        const store = await open('n')
        await store.set('a', 1).catch(rethrowOther)
        await store.close()
        await runtime.drop('n')
      })
    ).reports,
  ).toEqual([])
})

test.each<[call: () => Promise<unknown>, message: string]>([
  [
    async () => eachFault(new MemoryStoragePlugin() as never, setTwo),
    'eachFault() needs a function that creates a plugin, such as () => new MemoryStoragePlugin(); received an instance of MemoryStoragePlugin.',
  ],
  [
    async () => eachFault(memory, undefined as never),
    'eachFault() needs a script, such as async ({ open }) => {}; received undefined.',
  ],
  [
    async () => eachFault((() => undefined) as never, setTwo),
    'makePlugin() must return a plugin; received undefined. Create one',
  ],
  [
    async () => eachFault(memory, setTwo, { faults: () => 'late' as never }),
    'options.faults must be a function that returns a list of reject-before',
  ],
  [
    async () => eachFault(memory, setTwo, { faults: ['late', 'lat' as never] }),
    'options.faults[1] must be one of reject-before',
  ],
  [
    async () => eachFault(memory, setTwo, { faults: () => ['lat' as never] }),
    'options.faults(call)[0] must be one of reject-before',
  ],
  [
    async () => eachFault(memory, setTwo, { on: ['increment' as never] }),
    'options.on[0] must be one of open, drop',
  ],
])('a wrong argument is rejected and named: %s', async (call, message) => {
  await expect(call()).rejects.toMatchObject({
    code: 'INVALID_VALUE',
    message: expect.stringContaining(message) as string,
  })
})

test('a script that fails without a fault is reported, and is not run again', async () => {
  const { runs, reports } = await eachFault(memory, async ({ open }) => {
    await (await open('Test')).set('a', () => 1)
  })
  expect(runs).toBe(1)
  expect(reports).toMatchObject([{ on: undefined, nth: undefined, fault: undefined }])
  expect(reports[0]?.problems.join()).toMatch('The script failed: INVALID_VALUE: ')
})

test('a script that makes no calls is reported: it does not use the runtime with faults', async () => {
  const { runs, calls, reports } = await eachFault(memory, async () => {
    const store = await new StorageRuntime(memory()).open('Test')
    await store.set('a', 1)
  })
  expect({ runs, calls }).toEqual({ runs: 1, calls: 0 })
  expect(reports[0]?.problems).toEqual([
    'The script made no call of the plugin. Use the `runtime` or `open` that it receives.',
  ])
})
