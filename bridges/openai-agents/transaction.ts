import type { AgentInputItem, SessionHistoryTransactionArgs } from '@openai/agents'
import { quote, StoreError } from '../../src/errors.ts'
import { cloneValue } from '../clone-value.ts'

/** A transaction of a history, checked and copied. */
export interface HistoryChange {
  /** The digest of the transaction's identifier, which may be too long for a key. */
  readonly operation: string
  /** The digest of the transaction, which may be too large for a value. */
  readonly digest: string
  /** What the history must end with, and what is removed from it. */
  readonly expected: readonly AgentInputItem[]
  readonly added: readonly AgentInputItem[]
}

/** @throws StoreError `INVALID_VALUE` unless a condition holds */
export function check(
  isValid: boolean,
  expected: string,
  received: unknown,
  namespace: string,
): void {
  if (isValid) return
  throw new StoreError('INVALID_VALUE', `${expected}; received ${quote(received)}.`, { namespace })
}

/** Whether an identifier is text that is not blank. */
export const isId = (id: unknown): boolean => typeof id === 'string' && id.trim() !== ''

/**
 * Copies a list of items, which its caller may go on changing.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export function copyItems(
  items: unknown,
  name: string,
  namespace: string,
): readonly AgentInputItem[] {
  const isList =
    Array.isArray(items) && items.every((item) => typeof item === 'object' && item !== null)
  check(isList, `${name} must be a list of items, which are objects`, items, namespace)
  return cloneValue(items as AgentInputItem[], { namespace })
}

/**
 * Returns a text that is the same for equal items, in any order of properties.
 *
 * @throws StoreError `INVALID_VALUE` for what JSON text cannot show, such as a `Map`, a `Date`,
 * `NaN` or a cycle
 */
function canonicalize(value: unknown, namespace: string): string {
  try {
    return JSON.stringify(value, function (this: Record<string, unknown>, name) {
      // The second argument is the result of toJSON(), such as the text of a Date.
      const part = this[name]
      if (part === null || ['string', 'boolean'].includes(typeof part)) return part
      if (Number.isFinite(part) || Array.isArray(part)) return part
      // JSON text leaves out a property that is undefined, but shows null for such an element.
      if (part === undefined && !Array.isArray(this)) return part
      const prototype: unknown = typeof part === 'object' && Object.getPrototypeOf(part)
      const isPlain = prototype === Object.prototype || prototype === null
      const expected = 'The items of a transaction must be JSON, or bytes in a Uint8Array'
      check(isPlain || part instanceof Uint8Array, expected, part, namespace)
      return Object.fromEntries(
        Object.entries(part as object).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      )
    })
  } catch (error) {
    // The copies of a cycle's objects have no end.
    if (error instanceof RangeError) check(false, 'Items must have no cycle', value, namespace)
    throw error
  }
}

/**
 * Checks the end of a history.
 *
 * @throws StoreError `CONFLICT` for other items than expected
 */
export function checkSuffix(
  found: readonly unknown[],
  expected: readonly unknown[],
  namespace: string,
): void {
  if (canonicalize(found, namespace) === canonicalize(expected, namespace)) return
  throw new StoreError(
    'CONFLICT',
    'The history must end with expectedSuffix; another run has changed it. Read it again with getItems().',
    { namespace, retryable: false },
  )
}

async function digestOf(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * Checks and copies a transaction.
 *
 * @throws StoreError `INVALID_VALUE`
 */
export async function readTransaction(
  args: Partial<SessionHistoryTransactionArgs> | undefined,
  namespace: string,
): Promise<HistoryChange> {
  const { operationId, transaction } = args ?? {}
  check(isId(operationId), 'operationId must be text that is not blank', operationId, namespace)
  const type = transaction?.type
  const isKnown = type === 'append_items' || type === 'replace_suffix'
  check(isKnown, 'transaction.type must be "append_items" or "replace_suffix"', type, namespace)
  const [expected, added] =
    transaction!.type === 'append_items'
      ? [[], copyItems(transaction!.items, 'items', namespace)]
      : [
          copyItems(transaction!.expectedSuffix, 'expectedSuffix', namespace),
          copyItems(transaction!.replacement, 'replacement', namespace),
        ]
  const text = canonicalize([type, expected, added], namespace)
  const [operation, digest] = await Promise.all([JSON.stringify(operationId), text].map(digestOf))
  return { operation: operation!, digest: digest!, expected, added }
}
