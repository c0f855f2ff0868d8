import type { Traits } from '../storage.ts'
import type { TestBackend } from './test-backend.ts'

/** One rule of the contract, with the case that checks it. */
export interface Rule {
  /** Public, and never given to another rule. */
  readonly id: string
  /** The rule, as a sentence. */
  readonly name: string
  /** What an adapter author does when the rule does not hold. */
  readonly fix: string
  /** Returns why a backend with these traits need not follow the rule. */
  readonly exempt?: (traits: Traits) => string | undefined
  /**
   * Resolves if the rule holds, with a reason if the plugin need not follow it. Rejects with an
   * `AssertionError` if the rule does not hold.
   */
  readonly run: (backend: TestBackend) => Promise<string | undefined | void>
}

/** Exempts a backend from rules about conditional writes. */
export function exemptUnlessAtomic({ atomic }: Pick<Traits, 'atomic'>): string | undefined {
  return atomic === 'none' ? "the backend has no conditional writes (atomic: 'none')" : undefined
}

/** What to do about a rule that the runtime enforces. */
export const RUNTIME_GUARDS =
  'check that open() and close() of the adapter settle; the runtime enforces the rest, so otherwise report a bug of botshelf'
