import { describe, type TestContext } from 'vitest'
import { StorageRuntime, type StoragePluginBase, type Store } from '../../../src/index.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** What `npm run bridges` writes into the table of docs/bridges.md. */
    lostUpdates?: LostUpdates
  }
}

/** How many of the concurrent updates of a test are missing at its end. */
export interface LostUpdates {
  /** How many updates there were. */
  readonly updates: number
  readonly ours: number
  /** Of the framework's own storage in the same test. */
  readonly theirs: number
  /** The name of the framework's own storage. */
  readonly theirName: string
}

/** A backend that the bridges are tested on. */
export interface BridgeBackend {
  readonly name: 'Memory' | 'Durable Object' | 'IndexedDB'
  /** Called for each client; all of its plugins share their data. */
  createPlugin(): StoragePluginBase
}

/** Opens stores for a test. */
export interface Clients {
  /**
   * Opens a namespace that no other test uses for `count` clients, each with a runtime of its own, as
   * requests and tabs have.
   *
   * @param now the clock of all clients, in milliseconds since 1970. Default: `Date.now`
   */
  readonly openAll: <V = unknown>(
    count: number,
    now?: () => number,
  ) => Promise<readonly Store<Record<string, V>>[]>
  /** Opens such a namespace for one client. */
  readonly open: <V = unknown>(now?: () => number) => Promise<Store<Record<string, V>>>
}

/**
 * Defines the tests of a bridge on a backend. `npm run bridges` counts them by these names.
 *
 * @param bridge the sub-path, such as `keyv`
 */
export function describeBridge(
  bridge: string,
  backend: BridgeBackend,
  define: (clients: Clients) => void,
): void {
  async function openAll<V>(count: number, now = Date.now): Promise<Store<Record<string, V>>[]> {
    const namespace = `${bridge}-${crypto.randomUUID()}`
    return Promise.all(
      Array.from({ length: count }, () =>
        new StorageRuntime(backend.createPlugin(), { now }).open<Record<string, V>>(namespace),
      ),
    )
  }
  async function open<V>(now?: () => number): Promise<Store<Record<string, V>>> {
    const [store] = await openAll<V>(1, now)
    return store!
  }
  describe(`bridge | ${bridge} | ${backend.name}`, () => define({ openAll, open }))
}

/** Records the result of a test that counts lost updates, for the table. */
export function recordLostUpdates({ task }: TestContext, lostUpdates: LostUpdates): void {
  task.meta.lostUpdates = lostUpdates
}
