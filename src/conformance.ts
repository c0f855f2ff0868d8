import { ATOMIC } from './conformance/atomic.js'
import { CONTRACT } from './conformance/contract.js'
import { LIFECYCLE } from './conformance/lifecycle.js'
import { NAMES } from './conformance/names.js'
import { type Rule, Subject } from './conformance/subject.js'
import { TIME } from './conformance/time.js'
import { VALUES } from './conformance/value-rules.js'
import type { StoragePluginBase } from './storage.js'

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
    ...CONTRACT,
    ...NAMES,
    ...VALUES,
    ...TIME,
    ...ATOMIC,
    ...LIFECYCLE,
  ]
  for (const id of Object.keys(skip)) {
    if (!rules.some((rule) => rule.id === id))
      throw new RangeError(`There is no conformance case ${JSON.stringify(id)} to skip.`)
  }
  return rules.map((rule) => ({
    id: rule.id,
    name: rule.name,
    run: async () => {
      if (Object.hasOwn(skip, rule.id)) return skip[rule.id]
      const subject = await Subject.of(plugin)
      try {
        const exempt = rule.exempt?.(subject.traits)
        if (exempt === undefined) await rule.run(subject)
        return exempt
      } finally {
        await subject.end()
      }
    },
  }))
}
