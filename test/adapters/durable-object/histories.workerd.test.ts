// Histories of concurrent clients of an object, with every method: Workers, and stores inside it.
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { DurableObjectStoragePlugin } from '../../../adapters/durable-object.ts'
import { StorageRuntime, type Store } from '../../../src/index.ts'
import { CallHistory, checkHistory, recordOutcomes } from '../../../src/testing/index.ts'
import { type CallMethod, readContents, runClients } from '../../histories/run-history.ts'
import { reportFigures } from '../../support/report-figures.ts'
import { ChaosObject } from '../../support/worker.ts'
import {
  countOutcomes,
  countRejections,
  openInside,
  readWithoutFaults,
} from './support/histories.ts'
import { open } from './support/objects.ts'

const PLAN = { abort: 0.05, throw: 0.05, loseReply: 0.05, deliverTwice: 0.05, delayMs: 5 }

/** The methods whose arguments and results are data. */
const DATA_METHODS: readonly CallMethod[] = [
  'get',
  'has',
  'getMany',
  'set',
  'delete',
  'setMany',
  'deleteMany',
  'insert',
  'getOrInsert',
  'increment',
  'append',
  'pop',
  'clear',
]

test.each([1, 2])(
  'with faults, the calls of six Workers are linearizable, seed %i',
  async (seed) => {
    ChaosObject.plan = { ...PLAN, seed }
    const { binding, rejections } = countRejections(env.CHAOS)
    const namespace = `workers ${seed}`
    const openStore = (): Promise<Store> => open(namespace, {}, binding)
    const records = await runClients({ openStore, clients: 6, calls: 30, seed })
    const contents = await readWithoutFaults(namespace)
    expect(checkHistory(records, contents)).toEqual([])
    reportFigures({
      engine: 'Durable Object from Workers, workerd',
      suite: 'history with faults, every method',
      cases: 1,
      calls: records.length,
      faults: rejections.length,
      acknowledged: countOutcomes(records, 'applied'),
      lost: 0,
      torn: 0,
      unknown: countOutcomes(records, 'unknown'),
      seed,
    })
  },
)

test.each([1, 2])(
  'the calls of stores inside an object, and of Workers that call it, are linearizable, seed %i',
  async (seed) => {
    const name = `inside ${seed}`
    const history = new CallHistory()
    const scenario = { clients: 4, calls: 40, history }
    await Promise.all([
      runInDurableObject(env.HOST.getByName(name), (_, { storage }) =>
        runClients({ ...scenario, openStore: () => openLocal(storage), seed, name: 'inside' }),
      ),
      runClients({
        ...scenario,
        openStore: async () => openInside(name),
        seed: seed + 100,
        name: 'Worker',
        methods: DATA_METHODS,
      }),
    ])
    expect(history.records).toHaveLength(320)
    expect(checkHistory(history.records, await readInside(name))).toEqual([])
  },
)

/** Reads what the stores inside an object hold. */
function readInside(name: string): ReturnType<typeof readContents> {
  return runInDurableObject(env.HOST.getByName(name), async (_, { storage }) =>
    readContents(await openLocal(storage)),
  )
}

function openLocal(storage: DurableObjectStorage): Promise<Store> {
  const plugin = new DurableObjectStoragePlugin({ STORAGE_CONFIG: { storage } })
  return new StorageRuntime(plugin).open('history')
}

test.each([1, 2])(
  'with resets, the calls of Workers of stores inside an object are linearizable, seed %i',
  async (seed) => {
    const name = `resets ${seed}`
    let resets = 0
    const records = await runClients({
      openStore: async () => openInside(name),
      clients: 3,
      calls: 60,
      seed,
      methods: DATA_METHODS,
      chaos: async (random) => {
        if (random() > 0.05) return
        resets++
        await runInDurableObject(env.HOST.getByName(name), (_, state) =>
          state.abort('reset for the test'),
        ).catch(() => {})
      },
    })
    const contents = await readInside(name)
    expect(checkHistory(records, contents)).toEqual([])
    const unknown = countOutcomes(records, 'unknown')
    expect(unknown).toBeGreaterThan(0)
    reportFigures({
      engine: 'Durable Object inside, workerd',
      suite: 'history with resets',
      cases: 1,
      calls: records.length,
      faults: resets,
      acknowledged: countOutcomes(records, 'applied'),
      lost: 0,
      torn: 0,
      unknown,
      seed,
    })
  },
)

/** What a client would send that cannot tell a write again from a new write. */
function asNewMessage(message: object): object {
  const { type, changes } = message as { type?: string; changes?: { versions: unknown[] } }
  if (type !== 'resend') return message
  const versions = changes?.versions.map((version) => version && crypto.randomUUID())
  return {
    ...message,
    type: 'perform',
    messageId: crypto.randomUUID(),
    changes: { ...changes, versions },
  }
}

test.each<CallMethod>(['increment', 'update'])(
  'a client that repeats a write as a new one is found by the history of %s()',
  async (method) => {
    ChaosObject.plan = { loseReply: 0.2 }
    const { binding } = countRejections(env.CHAOS, asNewMessage)
    const namespace = `blind ${method}`
    const records = await runClients({
      openStore: () => open(namespace, {}, binding),
      clients: 4,
      calls: 10,
      methods: [method],
      seed: 1,
    })
    const contents = await readWithoutFaults(namespace)
    expect(checkHistory(records, contents)).toContainEqual(
      expect.objectContaining({ kind: 'impossible' }),
    )
  },
)

test('an object that acknowledges a write before it is on disk is found by the history', async () => {
  const history = new CallHistory()
  const host = env.HOST.getByName('early')
  // What runs inside the object hears of a write before it is on disk.
  await runInDurableObject(host, async (_, state) => {
    const { store } = recordOutcomes(await openLocal(state.storage), { history })
    await store.set('a', 1)
    await state.storage.sync()
    await store.set('b', 2)
    state.abort('reset for the test')
  }).catch(() => {})
  expect(history.records.map(({ outcome }) => outcome)).toEqual(['applied', 'applied'])
  const contents = await readInside('early')
  expect(checkHistory(history.records, contents)).toMatchObject([
    { kind: 'impossible', keys: ['b'] },
  ])
})
