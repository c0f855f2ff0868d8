import { deferred, sleep } from '../async.ts'
import { describeError } from '../conformance/assertions.ts'
import { isStoreError, type WriteOutcome } from '../errors.ts'
import { type RuntimeOptions, StorageRuntime } from '../runtime.ts'
import type { OpenOptions } from '../schema.ts'
import { type StorageBase, type StorageHost, StoragePluginBase, type Traits } from '../storage.ts'
import type { Store } from '../store.ts'
import { CallHistory } from './call-history.ts'
import type { CallRecord } from './call-record.ts'
import { checkHistory } from './check-history.ts'
import { describeCall } from './describe-call.ts'
import type { Fault, FaultyCall } from './fault-plan.ts'
import { faulty, type FaultyPlugin } from './faulty.ts'
import { recordOutcomes } from './outcomes.ts'

/** What a script of {@link eachFault} receives. */
export interface FaultContext {
  /** A runtime over the plugin with faults. The calls of its stores are recorded. */
  readonly runtime: StorageRuntime
  /** Opens a store: `open` of the runtime. */
  readonly open: StorageRuntime['open']
}

/** The contents of each namespace that a script opened, by its name: the values by their keys. */
export type FinalContents = ReadonlyMap<string, ReadonlyMap<string, unknown>>

/** Checks the contents after a script. Throws if they are wrong. */
export type ContentsCheck = (contents: FinalContents) => Promise<void> | void

/**
 * Uses the stores of a bot. It may return a check of what is stored in the end. In a run with a fault, a
 * `StoreError` that the script does not catch ends it, without a check, and is no problem. Any other
 * error is one.
 */
export type FaultScript = (
  context: FaultContext,
) => Promise<ContentsCheck | void> | ContentsCheck | void

/** How to run a script. */
export interface RunOptions {
  readonly plan: readonly Fault[]
  /** In milliseconds, for the script and for closing the runtime each. */
  readonly runTimeout: number
  readonly runtime: RuntimeOptions
  /** Returns the rejections that nothing has handled since the last call. */
  readonly takeRejections: () => readonly unknown[]
}

/** What became of a script. */
export interface ScriptRun {
  readonly problems: readonly string[]
  readonly calls: readonly FaultyCall[]
}

/** Runs a script once over a plugin with faults, in namespaces of its own. */
export async function runScript(
  plugin: StoragePluginBase,
  script: FaultScript,
  options: RunOptions,
): Promise<ScriptRun> {
  const run = new FaultRun(plugin, options)
  await run.run(script)
  // The platform reports a rejection in a later task.
  await sleep(0)
  const unhandled = options
    .takeRejections()
    .map((reason) => `A rejection was not handled: ${describeError(reason)}`)
  return { calls: run.plugin.calls, problems: [...run.problems, ...unhandled] }
}

/** How often to look whether a storage has closed. */
const CLOSE_POLL_MS = 10

interface OpenedNamespace {
  readonly history: CallHistory
  readonly traits: Traits
  readonly options: OpenOptions<object> | undefined
  stores: number
}

class FaultRun {
  readonly problems: string[] = []
  readonly plugin: FaultyPlugin
  readonly #target: StoragePluginBase
  readonly #options: RunOptions
  readonly #opened = new Map<string, OpenedNamespace>()

  constructor(plugin: StoragePluginBase, options: RunOptions) {
    this.#target = new PrefixPlugin(plugin, options.runtime.operationTimeout === undefined)
    this.#options = options
    this.plugin = faulty(this.#target, options.plan)
  }

  async run(script: FaultScript): Promise<void> {
    const runtime = new StorageRuntime(this.plugin, this.#options.runtime)
    this.#record(runtime)
    const open = runtime.open.bind(runtime)
    const check = await this.#settle(
      'The script',
      async () => script({ runtime, open }),
      () => this.#options.plan.length > 0,
    )
    const { calls } = this.plugin
    const { length } = calls
    // It may fail only because of a call that it makes.
    const hasFailedCall = (): boolean => calls.slice(length).some(({ fault }) => fault)
    await this.#settle('runtime.close()', async () => this.#close(runtime), hasFailedCall)
    await this.#awaitLateCalls()
    await this.plugin.release()
    this.#checkRecords()
    const contents = await this.#settle(
      'Reading the contents',
      async () => this.#readContents(),
      () => false,
    )
    if (contents && check)
      await this.#settle(
        'The check',
        async () => check(contents),
        () => false,
      )
  }

  /** Replaces `open` and `drop` of a runtime, so that the calls of its stores are recorded. */
  #record(runtime: StorageRuntime): void {
    const open = runtime.open.bind(runtime) as AnyOpen
    const drop = runtime.drop.bind(runtime)
    const recordingOpen: AnyOpen = async (namespace, options) => {
      const store = await open(namespace, options)
      const opened = this.#opened.get(namespace) ?? {
        history: new CallHistory(),
        traits: store.traits,
        options,
        stores: 0,
      }
      this.#opened.set(namespace, opened)
      const client = `store ${++opened.stores}`
      return recordOutcomes(store, { client, history: opened.history }).store
    }
    const recordingDrop: typeof drop = async (namespace) => {
      const dropping = drop(namespace)
      const opened = this.#opened.get(namespace)
      if (opened) recordClear(opened.history, dropping)
      return dropping
    }
    Object.defineProperty(runtime, 'open', { value: recordingOpen })
    Object.defineProperty(runtime, 'drop', { value: recordingDrop })
  }

  /**
   * Closes the runtime. `operationTimeout` is short where a fault needs it, and a busy backend may take
   * longer to close, or reject by that limit, so only `runTimeout` counts.
   */
  async #close(runtime: StorageRuntime): Promise<void> {
    try {
      await runtime.close()
    } catch (error) {
      if (!isStoreError(error) || error.code !== 'TIMEOUT') throw error
      const closing = this.plugin.calls.filter(({ kind, fault }) => kind === 'close' && !fault)
      const end = Date.now() + this.#options.runTimeout
      while (closing.some(({ outcome }) => outcome === 'pending') && Date.now() < end)
        await sleep(CLOSE_POLL_MS)
    }
  }

  /** @param canFail returns whether a `StoreError` is no problem */
  async #settle<T>(
    what: string,
    run: () => Promise<T>,
    canFail: () => boolean,
  ): Promise<T | undefined> {
    const { runTimeout } = this.#options
    const timeout = deferred()
    const timer = setTimeout(timeout.resolve, runTimeout)
    const running = run().catch((error: unknown) => {
      if (!isStoreError(error) || !canFail())
        this.problems.push(`${what} failed: ${describeError(error)}`)
      return undefined
    })
    const isLate = timeout.promise.then(() => {
      this.problems.push(`${what} did not end within ${runTimeout} ms.`)
      return undefined
    })
    try {
      return await Promise.race([running, isLate])
    } finally {
      clearTimeout(timer)
    }
  }

  async #awaitLateCalls(): Promise<void> {
    const { calls } = this.plugin
    const isLate = calls.some(({ fault, outcome }) => fault === 'late' && outcome === 'pending')
    if (isLate) await sleep(this.#options.plan[0]?.delayMs ?? 0)
  }

  #checkRecords(): void {
    for (const [namespace, { history }] of this.#opened) {
      for (const record of history.records) {
        const { error, outcome } = record
        const isListing = record.isComplete !== undefined
        const where = `${describeCall(record)} in "${namespace}"`
        if (record.settled === undefined && !isListing)
          this.problems.push(`${where}: it did not settle.`)
        // What a function of the script throws is no error of the store.
        if (error && !('code' in error) && outcome === 'unknown')
          this.problems.push(`${where}: it failed with an error without a code, ${error.message}`)
      }
    }
  }

  async #readContents(): Promise<FinalContents> {
    const { now } = this.#options.runtime
    const runtime = new StorageRuntime(this.#target, { now })
    const contents = new Map<string, ReadonlyMap<string, unknown>>()
    for (const [namespace, { history, traits, options }] of this.#opened) {
      const store = await (runtime.open as AnyOpen)(namespace, { ...options, signal: undefined })
      const found = new Map<string, unknown>()
      for await (const [key, value] of store.entries()) found.set(key, value)
      contents.set(namespace, found)
      const violations = checkHistory(history.records, found, { traits })
      this.problems.push(...violations.map(({ message }) => `In "${namespace}": ${message}`))
      await store.clear()
    }
    await runtime.close()
    return contents
  }
}

/** Records the removal of a namespace as a `clear()` of it. */
function recordClear(history: CallHistory, dropping: Promise<void>): void {
  const { clock, records } = history
  const call = { client: 'runtime.drop()', clock, called: history.now(), keys: [], args: [] }
  const record: { -readonly [K in keyof CallRecord]: CallRecord[K] } = {
    ...call,
    method: 'clear',
    outcome: 'unknown',
  }
  records.push(record)
  const settle = (outcome: WriteOutcome): void => {
    record.outcome = outcome
    record.settled = history.now()
  }
  dropping.then(
    () => settle('applied'),
    (error: unknown) => settle(isStoreError(error) ? error.outcome : 'unknown'),
  )
}

type AnyOpen = (namespace: string, options?: OpenOptions<object>) => Promise<Store<object>>

/** Puts the namespaces of one run under names that no other run uses. */
class PrefixPlugin extends StoragePluginBase {
  override readonly operationTimeout: number | undefined
  override readonly openTimeout: number | undefined
  readonly #plugin: StoragePluginBase
  readonly #prefix = `${Math.random().toString(36).slice(2, 10)}-`

  /** @param hasOpenTimeout whether the plugin's own time limit of `open` counts */
  constructor(plugin: StoragePluginBase, hasOpenTimeout: boolean) {
    super({})
    this.#plugin = plugin
    this.operationTimeout = plugin.operationTimeout
    this.openTimeout = hasOpenTimeout ? plugin.openTimeout : undefined
    if (plugin.namespaces) this.namespaces = () => this.#namespaces()
  }

  open(namespace: string, host?: StorageHost): Promise<StorageBase> {
    return this.#plugin.open(this.#prefix + namespace, host)
  }

  override drop(namespace: string, host?: StorageHost): Promise<void> {
    return this.#plugin.drop(this.#prefix + namespace, host)
  }

  async *#namespaces(): AsyncIterable<string> {
    for await (const name of this.#plugin.namespaces?.() ?? []) {
      if (name.startsWith(this.#prefix)) yield name.slice(this.#prefix.length)
    }
  }
}
