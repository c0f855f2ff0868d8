import { isPlainObject } from '../arguments.ts'
import { quote, StoreError } from '../errors.ts'
import { intercept, type Method } from '../intercept.ts'
import { type Listing, listPages, pagesOf } from '../listing.ts'
import {
  type StorageBase,
  type StorageHost,
  type StorageListener,
  StoragePluginBase,
} from '../storage.ts'
import type { Turns } from '../turns.ts'
import {
  type CallKind,
  checkFaults,
  type FaultPlan,
  type FaultyCall,
  STORAGE_KINDS,
} from './fault-plan.ts'
import {
  callWithFault,
  type FaultyRun,
  type InjectedFault,
  listWithFault,
  type OwnFaults,
  watchWithFault,
} from './faults.ts'
import { ownFaultsOf } from './own-faults.ts'

const LISTINGS: readonly CallKind[] = ['keys', 'entries', 'liveKeys', 'namespaces']

type MutableCall = { -readonly [K in keyof FaultyCall]: FaultyCall[K] }

/**
 * Wraps a plugin. The result counts the calls of the plugin and of the storages that it opens, and
 * gives those faults that the plan selects. A call that a storage makes of its own methods, as the
 * defaults of `StorageBase` do, counts too. Traits stay, and a method that the plugin lacks stays
 * absent. The methods of an opened storage are replaced on the object itself, so the core ignores its
 * `sync` and `copiesValues`: Memory, wrapped, takes every call through `getMany`, `commit` and
 * `transact`, and each call has a time limit.
 *
 * @param plan the faults; default: none, to count calls. Use a function to change them between calls
 * @throws StoreError `INVALID_VALUE` for what is no plugin, and for an invalid fault in a list; if a function returned it, the call
 * throws it
 *
 * @example
 * const plugin = faulty(new MemoryStoragePlugin(), [{ on: 'commit', nth: 3, fault: 'reject-after' }])
 * const store = await new StorageRuntime(plugin).open('Karma')
 * await runBot(store)
 * console.log(plugin.calls.filter(({ kind }) => kind === 'commit').length)
 */
export function faulty(plugin: StoragePluginBase, plan: FaultPlan = []): FaultyPlugin {
  checkPlugin('faulty() needs a plugin', plugin)
  if (typeof plan !== 'function') checkFaults(plan)
  return new FaultyPlugin(plugin, plan)
}

/**
 * @param rule what is needed: a sentence without full stop
 * @throws StoreError `INVALID_VALUE`
 */
export function checkPlugin(rule: string, plugin: unknown): void {
  if (typeof (plugin as Partial<StoragePluginBase> | null | undefined)?.open === 'function') return
  throw new StoreError(
    'INVALID_VALUE',
    `${rule}; received ${quote(plugin)}. Create one, as new MemoryStoragePlugin() does.`,
  )
}

/** A plugin whose calls fail as a plan says. {@link faulty} creates it. */
export class FaultyPlugin extends StoragePluginBase {
  /** The calls so far, in the order in which they began. The list grows without limit. */
  readonly calls: readonly FaultyCall[] = []
  override readonly operationTimeout: number | undefined
  override readonly openTimeout: number | undefined
  readonly #plugin: StoragePluginBase
  readonly #plan: FaultPlan
  readonly #counts = new Map<CallKind, number>()
  /** By storage whose methods are replaced: closes it without a fault. */
  readonly #closers = new WeakMap<StorageBase, Method>()
  readonly #open = new Set<StorageBase>()

  constructor(plugin: StoragePluginBase, plan: FaultPlan) {
    super({})
    this.#plugin = plugin
    this.#plan = plan
    this.operationTimeout = plugin.operationTimeout
    this.openTimeout = plugin.openTimeout
    if (plugin.namespaces) {
      this.namespaces = () =>
        this.#call({ kind: 'namespaces' }, () => plugin.namespaces?.()) as Listing<string>
    }
  }

  open(namespace: string, host?: StorageHost): Promise<StorageBase> {
    const open = async (): Promise<StorageBase> =>
      this.#wrap(await this.#plugin.open(namespace, host), namespace)
    const undo = (storage: unknown): unknown => this.#closers.get(storage as StorageBase)?.()
    return this.#call({ kind: 'open', namespace, undo }, open) as Promise<StorageBase>
  }

  override drop(namespace: string, host?: StorageHost): Promise<void> {
    const drop = (): unknown => this.#plugin.drop(namespace, host)
    return this.#call({ kind: 'drop', namespace }, drop) as Promise<void>
  }

  /**
   * Closes the storages that are still open, without a fault: those that were not closed, or whose
   * `close` failed before it was made. Ignores their errors.
   */
  async release(): Promise<void> {
    await Promise.allSettled([...this.#open].map(async (storage) => this.#closers.get(storage)?.()))
  }

  #wrap(storage: StorageBase, namespace: string): StorageBase {
    if (Object(storage) !== storage) return storage
    this.#open.add(storage)
    // A plugin may return one storage twice.
    if (!this.#closers.has(storage)) this.#replaceMethods(storage, namespace)
    return storage
  }

  #replaceMethods(storage: StorageBase, namespace: string): void {
    const originals: Partial<Record<CallKind, Method>> = {}
    for (const kind of STORAGE_KINDS) {
      const method: unknown = storage[kind]
      if (typeof method === 'function') originals[kind] = method.bind(storage) as Method
    }
    const { close } = originals
    originals.close = () => {
      this.#open.delete(storage)
      return close?.()
    }
    this.#closers.set(storage, originals.close)
    const unwrapped = { ...originals, traits: storage.traits } as unknown as StorageBase
    for (const [kind, original] of Object.entries(originals) as [CallKind, Method][]) {
      define(storage, kind, (...args: unknown[]) => {
        const ownFaults = ownFaultsOf(kind, args, unwrapped)
        return this.#call({ kind, namespace, args, ownFaults }, original)
      })
    }
    const { turns } = storage
    if (turns) define(storage, 'turns', this.#wrapTurns(turns, namespace))
  }

  #wrapTurns(turns: Turns, namespace: string): Turns {
    return intercept(turns, (_, method, args) =>
      this.#call({ kind: 'turn', namespace, args }, method),
    )
  }

  /** Records a call and makes it, with its fault. */
  #call({ kind, namespace, args = [], ownFaults, undo }: Call, run: Method): unknown {
    const nth = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, nth)
    const calls = this.calls as FaultyCall[]
    const index = calls.length + 1
    const keys = kind === 'clearPrefix' ? [] : keysOf(args)
    const call: MutableCall = {
      kind,
      nth,
      index,
      namespace,
      keys,
      fault: undefined,
      outcome: 'pending',
    }
    calls.push(call)
    const name = `call ${index}, ${kind}() ${nth}`
    try {
      const injected = this.#faultOf(call)
      call.fault = injected?.fault
      const result = makeCall({ injected, name, kind, args, run, ownFaults, undo })
      if (LISTINGS.includes(kind)) return followListing(result as Listing<unknown>, call)
      if (kind !== 'watch') return followPromise(result, call)
      call.outcome = 'ok'
      return result
    } catch (error) {
      call.outcome = 'failed'
      throw error
    }
  }

  #faultOf(call: FaultyCall): InjectedFault | undefined {
    const plan = this.#plan
    if (typeof plan !== 'function') {
      return plan.find(({ on, nth }) =>
        on === undefined ? call.index === nth : on === call.kind && call.nth === nth,
      )
    }
    const planned = plan(call)
    if (planned === undefined) return undefined
    const injected = typeof planned === 'string' ? { fault: planned } : planned
    checkFaults([isPlainObject(injected) ? { nth: 1, ...injected } : injected])
    return injected
  }
}

interface Call {
  readonly kind: CallKind
  readonly namespace?: string
  readonly args?: readonly unknown[]
  readonly ownFaults?: OwnFaults | undefined
  readonly undo?: FaultyRun<never>['undo']
}

interface PlannedCall extends Omit<Call, 'namespace'> {
  readonly injected: InjectedFault | undefined
  readonly name: string
  readonly args: readonly unknown[]
  readonly run: Method
}

function makeCall({ injected, name, kind, args, run, ownFaults, undo }: PlannedCall): unknown {
  if (!injected) return run(...args)
  if (LISTINGS.includes(kind))
    return listWithFault({ injected, name, run: () => run(...args) as Listing<unknown> })
  if (kind === 'watch') {
    const [listener] = args as [StorageListener]
    return watchWithFault({ injected, name }, run as StorageBase['watch'] & {}, listener)
  }
  return callWithFault({ injected, name, run: async () => run(...args), ownFaults, undo })
}

// The caller gets the promise that these return, so that a rejection that it does not handle shows.
async function followPromise(result: unknown, call: MutableCall): Promise<unknown> {
  try {
    const answer = await result
    call.outcome = 'ok'
    return answer
  } catch (error) {
    call.outcome = 'failed'
    throw error
  }
}

function followListing(listing: Listing<unknown>, call: MutableCall): Listing<unknown> {
  return listPages(async function* list() {
    try {
      yield* pagesOf(listing)
      call.outcome = 'ok'
    } catch (error) {
      call.outcome = 'failed'
      throw error
    } finally {
      if (call.outcome === 'pending') call.outcome = 'ok'
    }
  })
}

/** Returns the keys of arguments that are a key, a list of keys, or groups of changes. */
function keysOf([first]: readonly unknown[]): readonly string[] {
  const list: readonly unknown[] = Array.isArray(first) ? first.flat() : [first]
  const keys = list.map((each) =>
    typeof each === 'string' ? each : (each as { key?: unknown } | undefined)?.key,
  )
  return [...new Set(keys.filter((key) => typeof key === 'string'))]
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
}
