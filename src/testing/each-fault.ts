import {
  checkOptions,
  DURATION,
  invalidOption,
  isPlainObject,
  type OptionTypes,
  POSITIVE_INTEGER,
} from '../arguments.ts'
import { quote, StoreError } from '../errors.ts'
import type { RuntimeOptions } from '../runtime.ts'
import type { StoragePluginBase } from '../storage.ts'
import { type FaultScript, runScript } from './fault-run.ts'
import { FAULT_KINDS, type FaultKind, type InjectedFault } from './faults.ts'
import { checkPlugin } from './faulty.ts'
import { CALL_KINDS, type CallKind, type FaultyCall } from './fault-plan.ts'
import { watchRejections } from './rejections.ts'

/** Options of {@link eachFault}. */
export interface EachFaultOptions {
  /**
   * The faults that each call gets, one in each run; or a function that returns those of a call, to
   * select calls or to save time. Default: all. Two are left out that no storage may have: a watch
   * that `never` reports, and a `perform` that is made `twice`, since steps then count twice.
   */
  readonly faults?: readonly FaultKind[] | ((call: FaultyCall) => readonly FaultKind[]) | undefined
  /** The kinds of calls that fail. Default: all. */
  readonly on?: readonly CallKind[] | undefined
  /**
   * The time limit of each call in the runs with `never` and `late`, in milliseconds. A call that is
   * late takes four times as long. Default: 100.
   */
  readonly operationTimeout?: number | undefined
  /** The time limit of the script, and of closing its runtime, in milliseconds. Default: 10,000. */
  readonly runTimeout?: number | undefined
  /**
   * How many runs go on at once. With more than one, the script must share nothing between its runs,
   * and a rejection that is not handled is reported for any of them. Default: 1.
   */
  readonly concurrency?: number | undefined
  /** The options of the runtime, such as `allowLostUpdates` and `now`. */
  readonly runtime?: RuntimeOptions | undefined
}

/**
 * A run with problems. To repeat it, call `eachFault` with a function as `faults` that returns `[fault]`
 * for the call whose `kind` is `on` and whose `nth` is the same, and `[]` for others.
 */
export interface FaultReport {
  /** The kind of the call that failed; `undefined` for the run without a fault. */
  readonly on: CallKind | undefined
  /** Which call of its kind failed, from 1; `undefined` for the run without a fault. */
  readonly nth: number | undefined
  /** What went wrong with the call; `undefined` for the run without a fault. */
  readonly fault: FaultKind | undefined
  /** What was not possible, or what the script or its check threw: a sentence each. */
  readonly problems: readonly string[]
}

/** What {@link eachFault} found. */
export interface EachFaultResult {
  /** How many times the script ran, the run without a fault included. */
  readonly runs: number
  /** How many calls reached the plugin in the run without a fault. */
  readonly calls: number
  /** The runs with problems. An empty list: the script survives each fault. */
  readonly reports: readonly FaultReport[]
}

const FAULT_LIST = `a list of ${FAULT_KINDS.join(', ')}`

const OPTIONS: OptionTypes = {
  faults: [
    `${FAULT_LIST}, or a function`,
    (faults) => typeof faults === 'function' || Array.isArray(faults),
  ],
  on: [`a list of ${CALL_KINDS.join(', ')}`, Array.isArray],
  operationTimeout: DURATION,
  runTimeout: DURATION,
  concurrency: POSITIVE_INTEGER,
  runtime: ['the options of a runtime', isPlainObject],
}

const DEFAULT_OPERATION_TIMEOUT_MS = 100
const DEFAULT_RUN_TIMEOUT_MS = 10_000

/**
 * Runs a script once to count its calls to the backend, and then once more for each call and each
 * kind of fault, with that call failing. Reports every run with a result that no correct storage can
 * give: a write that was acknowledged and is absent, one that was rejected as `not-applied` and is
 * there, a group of changes that is applied in part, an unhandled rejection, an error without a
 * code, a call, a script or a `close` that does not end. Never rejects because of what it found.
 *
 * Each run has new namespaces, whose names the script does not see, and empties them afterwards.
 * Call one `eachFault` at a time: a rejection that is not handled belongs to no run.
 *
 * @param makePlugin creates the plugin of a run; all may use one backend
 * @param script uses the stores of a bot; it runs some hundred times
 * @throws StoreError `INVALID_VALUE` for invalid options and arguments
 *
 * @example
 * const { reports } = await eachFault(
 *   () => new MemoryStoragePlugin(),
 *   async ({ open }) => {
 *     const karma = await open<Record<string, number>>('Karma')
 *     await karma.increment('ann').catch(() => karma.increment('ann'))
 *     return (contents) => assert.ok(contents.get('Karma')?.get('ann') === 1)
 *   },
 * )
 * for (const { on, nth, fault, problems } of reports) console.error(on, nth, fault, problems)
 */
export async function eachFault(
  makePlugin: () => StoragePluginBase | Promise<StoragePluginBase>,
  script: FaultScript,
  options?: EachFaultOptions,
): Promise<EachFaultResult> {
  const {
    faults = FAULT_KINDS,
    on = CALL_KINDS,
    operationTimeout = DEFAULT_OPERATION_TIMEOUT_MS,
    runTimeout = DEFAULT_RUN_TIMEOUT_MS,
    concurrency = 1,
    runtime = {},
  } = checkOptions<EachFaultOptions>(options, OPTIONS)
  if (typeof faults !== 'function') checkNames('.faults', faults, FAULT_KINDS)
  checkNames('.on', on, CALL_KINDS)
  checkFunction(
    'a function that creates a plugin, such as () => new MemoryStoragePlugin()',
    makePlugin,
  )
  checkFunction('a script, such as async ({ open }) => {}', script)
  const rejections = watchRejections()
  const run = async (call?: FaultyCall, fault?: FaultKind): Promise<Run> => {
    const isSlow = fault === 'never' || fault === 'late'
    const plugin = await makePlugin()
    checkPlugin('makePlugin() must return a plugin', plugin)
    const { problems, calls } = await runScript(plugin, script, {
      plan:
        call && fault ? [{ on: call.kind, nth: call.nth, ...inject(fault, operationTimeout) }] : [],
      runTimeout,
      runtime: isSlow ? { ...runtime, operationTimeout } : runtime,
      takeRejections: rejections.take,
    })
    return { calls, report: { on: call?.kind, nth: call?.nth, fault, problems } }
  }
  try {
    const { calls, report } = await runFirst(run)
    const reports = [report]
    const failing = calls.filter(({ kind }) => on.includes(kind))
    const queue = failing.flatMap((call) => {
      const kinds = typeof faults === 'function' ? selectFaults(faults, call) : faults
      return kinds.filter((fault) => isPossible(call, fault)).map((fault) => ({ call, fault }))
    })
    // All lanes take their next run from one iterator. What fails without a fault fails with each.
    const next = (report.problems.length === 0 ? queue : []).entries()
    const lanes = Array.from({ length: concurrency }, async () => {
      for (const [index, { call, fault }] of next)
        reports[index + 1] = (await run(call, fault)).report
    })
    await Promise.all(lanes)
    const found = reports.filter(({ problems }) => problems.length > 0)
    return { runs: reports.length, calls: calls.length, reports: found }
  } finally {
    rejections.stop()
  }
}

/** Makes the run without a fault. */
async function runFirst(run: () => Promise<Run>): Promise<Run> {
  const { calls, report } = await run()
  if (calls.length > 0 || report.problems.length > 0) return { calls, report }
  const problem =
    'The script made no call of the plugin. Use the `runtime` or `open` that it receives.'
  return { calls, report: { ...report, problems: [problem] } }
}

interface Run {
  readonly calls: readonly FaultyCall[]
  readonly report: FaultReport
}

/** Whether a storage may do this: a watch must report, and a storage must not run steps twice. */
function isPossible({ kind }: FaultyCall, fault: FaultKind): boolean {
  return !(kind === 'watch' && fault === 'never') && !(kind === 'perform' && fault === 'twice')
}

function inject(fault: FaultKind, operationTimeout: number): InjectedFault {
  // Adapters throw errors of their own, which have no code.
  if (fault.startsWith('throw')) return { fault, error: new Error('the backend failed') }
  // More than twice, since a busy process notices a time limit late.
  return { fault, ms: 4 * operationTimeout }
}

/** @throws StoreError `INVALID_VALUE` */
function selectFaults(
  select: (call: FaultyCall) => readonly FaultKind[],
  call: FaultyCall,
): readonly FaultKind[] {
  const kinds = select(call)
  if (!Array.isArray(kinds))
    throw invalidOption('.faults', `a function that returns ${FAULT_LIST}`, kinds, undefined)
  checkNames('.faults(call)', kinds, FAULT_KINDS)
  return kinds
}

/** @throws StoreError `INVALID_VALUE` */
function checkNames(path: string, list: readonly string[], names: readonly string[]): void {
  const index = list.findIndex((name) => !names.includes(name))
  if (index !== -1)
    throw invalidOption(`${path}[${index}]`, `one of ${names.join(', ')}`, list[index], undefined)
}

/** @throws StoreError `INVALID_VALUE` */
function checkFunction(expected: string, argument: unknown): void {
  if (typeof argument === 'function') return
  const message = `eachFault() needs ${expected}; received ${quote(argument)}.`
  throw new StoreError('INVALID_VALUE', message)
}
