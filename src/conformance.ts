import { fail } from './conformance/assertions.ts'
import { COMMIT_RULES } from './conformance/commit-rules.ts'
import { STORAGE_RULES } from './conformance/storage-rules.ts'
import { LIFECYCLE_RULES } from './conformance/lifecycle-rules.ts'
import { KEY_RULES } from './conformance/key-rules.ts'
import { ORDER_RULES } from './conformance/order-rules.ts'
import { CONCURRENCY_RULES } from './conformance/concurrency-rules.ts'
import { ATOMIC_RULES } from './conformance/atomic-rules.ts'
import { type MakePlugin, type Rule, TestBackend } from './conformance/test-backend.ts'
import { EXPIRY_RULES } from './conformance/expiry-rules.ts'
import { VALUE_RULES } from './conformance/value-rules.ts'
import { WATCH_RULES } from './conformance/watch-rules.ts'
import { deferred, noop } from './async.ts'
import type { StoragePluginBase } from './storage.ts'

export interface ConformanceOptions {
  /**
   * Makes the plugin under test. It is called for each case, and again where a case restarts;
   * each plugin it makes must be over the same backend if that is durable.
   */
  readonly plugin: () => StoragePluginBase | Promise<StoragePluginBase>
  /** Deviations: the id of a case, and the reason why the plugin does not pass it. */
  readonly skip?: Readonly<Record<string, string>>
}

/** One rule of the contract as a runnable case. */
export interface ConformanceCase {
  /** Part of the public API: an id is never given to another rule. */
  readonly id: string
  /** The rule, in words. */
  readonly name: string
  /**
   * Resolves if the rule holds. It resolves to a reason if the plugin is not held to the rule, by
   * its traits or by `skip`. Rejects with what is wrong.
   */
  readonly run: () => Promise<string | undefined>
}

/**
 * The contract as data: cases for any test runner, or for none. What a case uses it empties at
 * its end; each has namespaces of its own.
 *
 * @example
 * for (const { id, run } of conformance({ plugin: () => new RedisStoragePlugin(config) })) test(id, run)
 *
 * @throws RangeError if `skip` names an unknown case
 */
export function conformance({ plugin, skip = {} }: ConformanceOptions): readonly ConformanceCase[] {
  const rules: readonly Rule[] = [
    ...STORAGE_RULES,
    ...COMMIT_RULES,
    ...KEY_RULES,
    ...VALUE_RULES,
    ...EXPIRY_RULES,
    ...CONCURRENCY_RULES,
    ...ATOMIC_RULES,
    ...ORDER_RULES,
    ...LIFECYCLE_RULES,
    ...WATCH_RULES,
  ]
  for (const id of Object.keys(skip)) {
    if (!rules.some((rule) => rule.id === id))
      throw new RangeError(`There is no conformance case ${JSON.stringify(id)} to skip.`)
  }
  return rules.map((rule) => ({
    id: rule.id,
    name: rule.name,
    run: async () => (Object.hasOwn(skip, rule.id) ? skip[rule.id] : runRule(rule, plugin)),
  }))
}

/** How long a rule may take, in milliseconds; a storage that never answers breaks it too. */
const LIMIT = 50_000

async function runRule(rule: Rule, plugin: MakePlugin): Promise<string | undefined> {
  const late = deferred()
  const timer = setTimeout(late.resolve, LIMIT)
  const ended = attempt(rule, plugin)
  try {
    return await Promise.race([
      ended,
      late.promise.then(() => fail(`the case did not end within ${LIMIT / 1000} seconds`)),
    ])
  } finally {
    clearTimeout(timer)
  }
}

async function attempt(rule: Rule, plugin: MakePlugin): Promise<string | undefined> {
  const subject = await TestBackend.of(plugin)
  let exempt: string | undefined
  try {
    exempt = rule.exempt?.(subject.traits)
    if (exempt === undefined) exempt = (await rule.run(subject)) ?? undefined
  } catch (error) {
    // What is wrong comes first, whatever the end may say to it.
    await subject.end().catch(noop)
    throw error
  }
  await subject.end()
  return exempt
}
