// Histories of concurrent Workers on an object of which one message in five is at fault.
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import type { Store } from '../../../src/index.ts'
import { checkHistory } from '../../../src/testing/index.ts'
import { type CallMethod, runClients } from '../../histories/run-history.ts'
import { reportFigures } from '../../support/report-figures.ts'
import { ChaosObject } from '../../support/worker.ts'
import { countOutcomes, countRejections, readWithoutFaults } from './support/histories.ts'
import { open } from './support/objects.ts'

const SEED = 3

interface Scenario {
  readonly methods: CallMethod[]
  readonly clients: number
  readonly calls: number
  /** The most calls with an unknown outcome, in percent. */
  readonly maxUnknown: number
}

/** In each, the clients call a few methods on the same keys. */
const SCENARIOS: Record<string, Scenario> = {
  'increment()': { methods: ['increment', 'get'], clients: 20, calls: 15, maxUnknown: 1 },
  'update()': { methods: ['update', 'get'], clients: 12, calls: 20, maxUnknown: 1 },
  'append()': { methods: ['append', 'mutable'], clients: 6, calls: 25, maxUnknown: 1 },
  'insert() and pop()': {
    methods: ['insert', 'pop', 'getOrInsert', 'has'],
    clients: 15,
    calls: 20,
    maxUnknown: 1,
  },
  'transaction()': {
    methods: ['transaction', 'transfer', 'getMany'],
    clients: 8,
    calls: 25,
    maxUnknown: 1,
  },
  // These do not read what they replace, so after a reset the object cannot always tell.
  'set() and delete()': {
    methods: ['set', 'delete', 'get'],
    clients: 15,
    calls: 20,
    maxUnknown: 20,
  },
  'clear()': {
    methods: ['clear', 'insert', 'set', 'increment', 'getMany'],
    clients: 5,
    calls: 40,
    maxUnknown: 20,
  },
  'setMany() and deleteMany()': {
    methods: ['setMany', 'deleteMany', 'getMany'],
    clients: 6,
    calls: 25,
    maxUnknown: 20,
  },
}

test.each(Object.keys(SCENARIOS))(
  'with faults, no call of %s is lost, torn or applied twice, and few are unknown',
  async (name) => {
    const { methods, clients, calls, maxUnknown } = SCENARIOS[name] as Scenario
    ChaosObject.plan = { seed: SEED, abort: 0.05, throw: 0.05, loseReply: 0.05, deliverTwice: 0.05 }
    const { binding, rejections } = countRejections(env.CHAOS)
    const namespace = `faults ${name}`
    const openStore = (): Promise<Store> => open(namespace, {}, binding)
    const records = await runClients({ openStore, clients, calls, methods, seed: SEED })
    const contents = await readWithoutFaults(namespace)
    expect(checkHistory(records, contents)).toEqual([])
    const unknown = countOutcomes(records, 'unknown')
    expect(unknown).toBeLessThanOrEqual((maxUnknown / 100) * records.length)
    expect(rejections.length).toBeGreaterThan(records.length / 20)
    reportFigures({
      engine: 'Durable Object from Workers, workerd',
      suite: `history with faults, ${name}`,
      cases: 1,
      calls: records.length,
      faults: rejections.length,
      acknowledged: countOutcomes(records, 'applied'),
      lost: 0,
      torn: 0,
      unknown,
      seed: SEED,
    })
  },
)
