import { type CallRecord, checkHistory, type Ledger } from 'botshelf/testing'
import type { Load } from './load.ts'

/** What a restart left of the writes of a load. */
export interface RoundResult {
  /** The writes that resolved. */
  readonly acknowledged: number
  /** The writes of which the client does not know whether they were applied. */
  readonly unknown: number
  /**
   * The acknowledged writes that are not there: entries of ledgers, increments, and for each other key
   * that has not its last value, one.
   */
  readonly lost: number
  /** Whether the keys of a group have different values. */
  readonly isTorn: boolean
  /** What no correct store can have answered or kept, a sentence each. */
  readonly violations: readonly string[]
}

/**
 * Checks the entries after a restart.
 *
 * @param contents all entries of the namespace
 */
export function checkRound(load: Load, contents: ReadonlyMap<string, unknown>): RoundResult {
  const { groupKeys, history, keys } = load
  const writes = history.records.filter(({ method }) => method !== 'get')
  const acknowledged = writes.filter(({ outcome }) => outcome === 'applied')
  const own = keys
    .filter((key) => contents.has(key))
    .map((key) => [key, contents.get(key)] as const)
  const violations = checkHistory(history.records, own)
  // Without the reads, only what is stored can contradict the writes.
  const lost = checkHistory(writes, own)
    .flatMap((violation) => violation.keys)
    .reduce((sum, key) => sum + countLost(key, acknowledged, contents.get(key)), 0)
  const [first, ...others] = groupKeys.map((key) => contents.get(key))
  return {
    acknowledged: acknowledged.length,
    unknown: writes.filter(({ outcome }) => outcome === 'unknown').length,
    lost,
    isTorn: others.some((value) => value !== first),
    violations: violations.map(({ message }) => message),
  }
}

/** Counts the acknowledged writes of a key that are missing in its value. */
function countLost(key: string, acknowledged: readonly CallRecord[], value: unknown): number {
  const writes = acknowledged.filter(({ keys }) => keys.includes(key))
  switch (writes[0]?.method) {
    case 'update':
      return writes.filter(({ client, result }) => {
        const number = (result as Ledger)[client]?.at(-1)?.[1] ?? 0
        const ranges = (value as Ledger | undefined)?.[client] ?? []
        return !ranges.some(([first, last]) => first <= number && number <= last)
      }).length
    case 'increment':
      return Math.max(0, writes.length - ((value as number | undefined) ?? 0))
    default:
      return 1
  }
}
