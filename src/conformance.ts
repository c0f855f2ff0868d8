import {
  BOOLEAN,
  checkRequiredOptions,
  FUNCTION,
  isPlainObject,
  type OptionTypes,
} from './arguments.ts'
import { deferred, noop } from './async.ts'
import { AssertionError, describeError } from './conformance/assertions.ts'
import { ATOMIC_RULES } from './conformance/atomic-rules.ts'
import { COMMIT_RULES } from './conformance/commit-rules.ts'
import { CONDITION_RULES } from './conformance/condition-rules.ts'
import { CONCURRENCY_RULES } from './conformance/concurrency-rules.ts'
import { DURABILITY_RULES } from './conformance/durability-rules.ts'
import { EXPIRY_RULES } from './conformance/expiry-rules.ts'
import { FAULT_RULES } from './conformance/fault-rules.ts'
import { KEY_RULES } from './conformance/key-rules.ts'
import { LIFECYCLE_RULES } from './conformance/lifecycle-rules.ts'
import { LISTING_RULES } from './conformance/listing-rules.ts'
import { MIXIN_RULES } from './conformance/mixin-rules.ts'
import { NAMESPACE_RULES } from './conformance/namespace-rules.ts'
import { ORDER_RULES } from './conformance/order-rules.ts'
import { PERFORM_RULES } from './conformance/perform-rules.ts'
import { REMOVAL_RULES } from './conformance/removal-rules.ts'
import type { Rule } from './conformance/rule.ts'
import { SCHEMA_RULES } from './conformance/schema-rules.ts'
import { STORAGE_RULES } from './conformance/storage-rules.ts'
import { type CreatePlugin, TestBackend } from './conformance/test-backend.ts'
import { SYNC_RULES } from './conformance/sync-rules.ts'
import { TURN_RULES } from './conformance/turn-rules.ts'
import { UPDATE_RULES } from './conformance/update-rules.ts'
import { APPEND_RULES } from './conformance/append-rules.ts'
import { HOT_KEY_RULES } from './conformance/hot-key-rules.ts'
import { MANY_RULES } from './conformance/many-rules.ts'
import { OPTION_RULES } from './conformance/option-rules.ts'
import { STEP_RULES } from './conformance/step-rules.ts'
import { STORE_LISTING_RULES } from './conformance/store-listing-rules.ts'
import { TRANSACTION_RULES } from './conformance/transaction-rules.ts'
import { VALUE_RULES } from './conformance/value-rules.ts'
import { WATCH_RULES } from './conformance/watch-rules.ts'
import type { StoragePluginBase } from './storage.ts'

const RULES: readonly Rule[] = [
  ...STORAGE_RULES,
  ...LISTING_RULES,
  ...REMOVAL_RULES,
  ...DURABILITY_RULES,
  ...COMMIT_RULES,
  ...CONDITION_RULES,
  ...PERFORM_RULES,
  ...SYNC_RULES,
  ...TURN_RULES,
  ...KEY_RULES,
  ...NAMESPACE_RULES,
  ...VALUE_RULES,
  ...EXPIRY_RULES,
  ...CONCURRENCY_RULES,
  ...UPDATE_RULES,
  ...ATOMIC_RULES,
  ...ORDER_RULES,
  ...LIFECYCLE_RULES,
  ...MIXIN_RULES,
  ...SCHEMA_RULES,
  ...WATCH_RULES,
  ...STEP_RULES,
  ...APPEND_RULES,
  ...TRANSACTION_RULES,
  ...HOT_KEY_RULES,
  ...MANY_RULES,
  ...STORE_LISTING_RULES,
  ...OPTION_RULES,
]

const CASE_TIMEOUT_MS = 50_000

/** Options of {@link conformance}. */
export interface ConformanceOptions {
  /**
   * Creates the plugin under test. Each case calls it once, and again where the case restarts. All
   * plugins must use the same backend. If the data lives in the plugin, as in memory, return the
   * same plugin each time.
   *
   * @example
   * { plugin: () => new RedisStoragePlugin({ STORAGE_CONFIG: { client } }) }
   */
  readonly plugin: () => StoragePluginBase | Promise<StoragePluginBase>
  /**
   * The cases that the plugin is known not to pass: the id of each, and why.
   *
   * @example
   * { skip: { 'durability/restart': 'the test server keeps its data in memory' } }
   */
  readonly skip?: Readonly<Record<string, string>> | undefined
  /**
   * Whether to add the cases `faults/...`. Each runs a fixed script of all operations once for every
   * call that it makes of the plugin, with that call failing: no acknowledged write is lost, no group
   * torn, no rejection unhandled, each error has a code, and `close` ends. A case takes some seconds.
   * Default: false.
   */
  readonly faults?: boolean | undefined
}

const OPTIONS: OptionTypes = {
  plugin: FUNCTION,
  skip: ['an object of reasons by the ids of cases', isPlainObject],
  faults: BOOLEAN,
}

/**
 * One rule of the contract as a runnable case.
 *
 * @example
 * const exempt = await run()
 * if (exempt !== undefined) console.log(`${id} is skipped: ${exempt}`)
 */
export interface ConformanceCase {
  /** Identifies the rule, in kebab-case after its group. An id is kept and never reused. */
  readonly id: string
  /** The rule, as a sentence. */
  readonly name: string
  /**
   * Runs the case on new namespaces, and empties them afterwards. Resolves to `undefined` if the
   * rule holds, and to a reason if the plugin need not follow it, by its traits or by `skip`.
   *
   * @throws Error with the id and the rule, what was expected and received, and what to do; also
   * if the case takes longer than 50 seconds
   */
  readonly run: () => Promise<string | undefined>
}

/**
 * Returns the cases that every storage plugin must pass, for any test runner. Each case uses
 * namespaces of its own, so cases run in any order and beside other data.
 *
 * @throws StoreError `INVALID_VALUE` for invalid options
 * @throws RangeError if `skip` names a case that does not exist
 *
 * @example
 * const plugin = () => new RedisStoragePlugin({ STORAGE_CONFIG: { client } })
 * for (const { id, run } of conformance({ plugin })) {
 *   test(id, async ({ skip }) => {
 *     const exempt = await run()
 *     if (exempt !== undefined) skip(exempt)
 *   })
 * }
 */
export function conformance(options: ConformanceOptions): readonly ConformanceCase[] {
  const { plugin, skip = {}, faults = false } = checkRequiredOptions(options, OPTIONS, ['plugin'])
  const rules = faults ? [...RULES, ...FAULT_RULES] : RULES
  for (const id of Object.keys(skip)) {
    if (!rules.some((rule) => rule.id === id)) {
      throw new RangeError(
        `skip must name cases by the ids that conformance() lists; received ${JSON.stringify(id)}. Correct the id or remove it.`,
      )
    }
  }
  return rules.map((rule) => ({
    id: rule.id,
    name: rule.name,
    run: async () => (Object.hasOwn(skip, rule.id) ? skip[rule.id] : runRule(rule, plugin)),
  }))
}

async function runRule(rule: Rule, createPlugin: CreatePlugin): Promise<string | undefined> {
  const timeout = deferred()
  const timer = setTimeout(timeout.resolve, CASE_TIMEOUT_MS)
  try {
    return await Promise.race([
      runAndCleanUp(rule, createPlugin).catch((error: unknown) => {
        throw createFailure(rule, { problem: describeProblem(error), fix: rule.fix, cause: error })
      }),
      timeout.promise.then(() => {
        const problem = `expected the case to end within ${CASE_TIMEOUT_MS / 1000} seconds; it is still running`
        const fix = 'make every call to the plugin and its storages settle'
        throw createFailure(rule, { problem, fix })
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

interface Failure {
  readonly problem: string
  readonly fix: string
  readonly cause?: unknown
}

function createFailure({ id, name }: Rule, { problem, fix, cause }: Failure): Error {
  return new Error(`${id}: ${name}\n  ${problem}\n  What to do: ${fix}`, { cause })
}

function describeProblem(error: unknown): string {
  return error instanceof AssertionError
    ? error.message
    : `expected no error; received ${describeError(error)}`
}

async function runAndCleanUp(rule: Rule, createPlugin: CreatePlugin): Promise<string | undefined> {
  const backend = await TestBackend.create(createPlugin)
  let exempt: string | undefined
  try {
    exempt = rule.exempt?.(backend.traits)
    if (exempt === undefined) exempt = (await rule.run(backend)) ?? undefined
  } catch (error) {
    // The first failure explains more than one of the cleanup after it.
    await backend.cleanUp().catch(noop)
    throw error
  }
  await backend.cleanUp()
  return exempt
}
