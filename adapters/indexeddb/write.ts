import type { Change, Entry, Outcome } from '../../src/storage.js'
import { failedRead, failedWrite } from './failures.js'
import { readRecords, writeRecord } from './record.js'
import { whenAnswered } from './requests.js'
import type { Running } from './transactions.js'

export type Groups = readonly (readonly Change[])[]
export type Apply = (now: Map<string, Entry>) => Groups

export interface WriteOptions {
  /** Does the browser keep errors as they are? */
  readonly keepsErrors: boolean
  /** Called with the changes of the groups that hold, before they are committed. */
  readonly onSent: (changes: readonly Change[]) => void
}

/**
 * Reads `keys`, lets `apply` decide, and writes what it decided: one transaction. Resolves when it
 * has completed.
 *
 * @throws StoreError when it was rolled back, or was lost
 */
export async function write(
  { transaction, store, ended }: Running,
  keys: readonly string[],
  apply: Apply,
  { keepsErrors, onSent }: WriteOptions,
): Promise<readonly Outcome[]> {
  let groups: Groups = []
  let outcomes: readonly Outcome[] = []
  let sent = false
  let refused: { readonly error: unknown } | undefined
  // What is thrown within an event would be reported to the page, and its reason be lost here.
  const guard = (step: () => void): void => {
    try {
      step()
    } catch (error) {
      refused = { error }
      abort(transaction)
    }
  }
  const read = (wanted: readonly string[], then: (found: Map<string, Entry>) => void): void => {
    const requests = wanted.map((key): IDBRequest<unknown> => store.get(key))
    const found = (): Map<string, Entry> => {
      return readRecords(
        wanted,
        requests.map(({ result }) => result),
      )
    }
    whenAnswered(requests, () => guard(() => then(found())))
  }
  guard(() => {
    read(keys, (now) => {
      groups = apply(now)
      const conditions = groups.flat().filter(({ ifVersion }) => ifVersion !== undefined)
      const unread = conditions.map(({ key }) => key).filter((key) => !keys.includes(key))
      read(unread, (also) => {
        sent = true
        outcomes = putAll(store, groups, new Map([...now, ...also]), keepsErrors)
        onSent(groups.filter((_, index) => outcomes[index] === 'applied').flat())
        transaction.commit()
      })
    })
  })
  const failed = await ended
  if (failed !== undefined) {
    // The browser may have aborted it first; then what was thrown here only tells of that.
    const error = failed.error ?? (refused === undefined ? null : refused.error)
    throw sent ? failedWrite(error) : failedRead(error)
  }
  return outcomes
}

/** Writes each group whose conditions hold. Each group sees what those before it have written. */
function putAll(
  store: IDBObjectStore,
  groups: Groups,
  now: ReadonlyMap<string, Entry>,
  keepsErrors: boolean,
): readonly Outcome[] {
  const written = new Map<string, string | null>()
  const holds = ({ key, ifVersion }: Change): boolean => {
    if (ifVersion === undefined) return true
    const version = written.has(key) ? written.get(key) : (now.get(key)?.version ?? null)
    return version === ifVersion
  }
  return groups.map((changes) => {
    if (!changes.every(holds)) return 'conflict'
    for (const change of changes) {
      if ('entry' in change) store.put(writeRecord(change.entry, keepsErrors), change.key)
      else store.delete(change.key)
      written.set(change.key, 'entry' in change ? change.entry.version : null)
    }
    return 'applied'
  })
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It has ended already.
  }
}
