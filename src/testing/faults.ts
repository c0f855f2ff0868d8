// What each kind of fault does to a call. A call either resolves, or returns a listing, or is
// `watch`, which returns at once and reports later.

import { noop, sleep } from '../async.ts'
import { StoreError, type WriteOutcome } from '../errors.ts'
import { type Listing, listPages, pagesOf } from '../listing.ts'
import type { StorageListener } from '../storage.ts'

/**
 * What goes wrong with one call.
 *
 * - `reject-before`, `throw-before`: the call is not made, and rejects or throws. A function that
 *   throws returns no promise.
 * - `reject-after`, `throw-after`: the call is made, and then rejects or throws.
 * - `never`: the call is not made and never settles.
 * - `late`: the call is made at once, and settles after `delayMs`.
 * - `rubbish`: the call is made, and resolves to `{ rubbish: true }`; a listing lists that; a watch
 *   reports it.
 * - `in-part`: a commit applies the first half of its groups and returns an error for each of the
 *   rest; where groups are not atomic, a single group is applied by half. `clear` removes half of the
 *   keys and rejects. A read of several keys reads half of them and rejects. A listing ends with an
 *   error after its first items. A watch reports `unknown` in place of its first change. Any other
 *   call as with `reject-after`.
 * - `twice`: the call is made twice, one after the other, and settles as the first. A transaction calls
 *   its function twice, as one that the backend restarts. A watch reports each change twice.
 *
 * What an `open` with a fault has opened is closed again.
 */
export type FaultKind =
  | 'reject-before'
  | 'reject-after'
  | 'throw-before'
  | 'throw-after'
  | 'never'
  | 'late'
  | 'rubbish'
  | 'in-part'
  | 'twice'

export const FAULT_KINDS: readonly FaultKind[] = [
  'reject-before',
  'reject-after',
  'throw-before',
  'throw-after',
  'never',
  'late',
  'rubbish',
  'in-part',
  'twice',
]

/** A fault with its settings. */
export interface InjectedFault {
  readonly fault: FaultKind
  /**
   * What the call rejects with or throws. Default: a `StoreError` `CONNECTION_LOST`, whose outcome is
   * `not-applied` where that is certain and `unknown` elsewhere.
   */
  readonly error?: unknown
  /** The delay of the fault `late`, in milliseconds. Default: 50. */
  readonly delayMs?: number | undefined
}

/** Creates what a call fails with. */
export type CreateError = (outcome: WriteOutcome) => unknown

/** What some faults do to one method. */
export type OwnFaults = Partial<Record<FaultKind, (errorOf: CreateError) => Promise<unknown>>>

/** A call to run with a fault. */
export interface FaultyRun<T> {
  readonly injected: InjectedFault
  /** Names the call, for the default error. */
  readonly name: string
  readonly run: () => T
  /** What some faults do to this method in particular. */
  readonly ownFaults?: OwnFaults | undefined
  /** Undoes what the call did whose answer the caller never gets. */
  readonly undo?: ((result: unknown) => unknown) | undefined
}

const RUBBISH = { rubbish: true }
const DEFAULT_DELAY_MS = 50

/** Makes a call that returns a promise. */
export function callWithFault(faulty: FaultyRun<Promise<unknown>>): Promise<unknown> {
  const { injected, run, ownFaults, undo = noop } = faulty
  const errorOf = createErrors(faulty)
  const ownFault = ownFaults?.[injected.fault]
  if (ownFault) return ownFault(errorOf)
  switch (injected.fault) {
    case 'throw-before':
      throw errorOf('not-applied')
    case 'throw-after':
      void run().then(undo).catch(noop)
      throw errorOf('unknown')
    case 'reject-before':
      return Promise.reject(errorOf('not-applied'))
    case 'never':
      return new Promise(noop)
    default:
      return answerWithFault(injected, { run, undo, errorOf })
  }
}

interface FaultyAnswer {
  readonly run: () => Promise<unknown>
  readonly undo: (result: unknown) => unknown
  readonly errorOf: CreateError
}

async function answerWithFault(
  { fault, delayMs = DEFAULT_DELAY_MS }: InjectedFault,
  { run, undo, errorOf }: FaultyAnswer,
): Promise<unknown> {
  const result = await run()
  switch (fault) {
    case 'late':
      await sleep(delayMs)
      return result
    case 'twice':
      // The second answer is lost.
      await run().then(undo, noop)
      return result
    case 'rubbish':
      await undo(result)
      return RUBBISH
    default:
      await undo(result)
      throw errorOf('unknown')
  }
}

/** Calls a method that returns a listing. */
export function listWithFault(faulty: FaultyRun<Listing<unknown>>): Listing<unknown> {
  const { injected, run } = faulty
  const { fault, delayMs = DEFAULT_DELAY_MS } = injected
  const errorOf = createErrors(faulty)
  if (fault === 'throw-after') run()
  if (fault === 'throw-after' || fault === 'throw-before') throw errorOf('not-applied')
  return listPages(async function* list() {
    if (fault === 'reject-before') throw errorOf('not-applied')
    if (fault === 'never') await new Promise(noop)
    if (fault === 'late') await sleep(delayMs)
    if (fault === 'rubbish') yield [RUBBISH]
    if (fault === 'twice') for await (const _ of pagesOf(run()));
    for await (const page of pagesOf(run())) {
      if (fault === 'in-part' && page.length > 0) {
        yield page.slice(0, Math.ceil(page.length / 2))
        break
      }
      yield page
    }
    if (fault === 'reject-after' || fault === 'in-part') throw errorOf('not-applied')
  })
}

/** Calls `watch`. */
export function watchWithFault(
  faulty: Omit<FaultyRun<never>, 'run'>,
  watch: (listener: StorageListener) => () => void,
  listener: StorageListener,
): () => void {
  const { fault, delayMs = DEFAULT_DELAY_MS } = faulty.injected
  const errorOf = createErrors(faulty)
  switch (fault) {
    case 'never':
      return noop
    case 'late':
      return watch((change) => void setTimeout(() => listener(change), delayMs))
    case 'rubbish':
      listener(RUBBISH as never)
      return watch(listener)
    case 'twice':
      return watch((change) => {
        listener(change)
        listener(change)
      })
    case 'in-part': {
      let isFirst = true
      return watch((change) => {
        listener(isFirst ? { kind: 'unknown' } : change)
        isFirst = false
      })
    }
    case 'reject-after':
    case 'throw-after':
      watch(listener)
      throw errorOf('not-applied')
    default:
      throw errorOf('not-applied')
  }
}

function createErrors({
  injected,
  name,
}: Pick<FaultyRun<never>, 'injected' | 'name'>): CreateError {
  return (outcome) =>
    injected.error ??
    new StoreError('CONNECTION_LOST', `The fault "${injected.fault}" was injected into ${name}.`, {
      outcome,
    })
}
