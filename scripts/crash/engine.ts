/** The part of a store that the load uses. */
export interface LoadedStore {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<void>
  setMany(entries: readonly (readonly [key: string, value: unknown])[]): Promise<void>
  delete(key: string): Promise<void>
  increment(key: string, by?: number): Promise<number>
  update(key: string, updater: (current: unknown) => unknown): Promise<unknown>
}

/** An engine that a crash test kills: its processes, and its data in a folder. */
export interface CrashEngine {
  /** Starts the processes on the data in `folder`. Call it again after `kill()`. */
  start(folder: string): Promise<void>
  /** Opens a store of the one namespace for each client. */
  openStores(count: number): Promise<LoadedStore[]>
  /** Reads all entries of the namespace with a store that has read nothing before. */
  readContents(): Promise<Map<string, unknown>>
  /**
   * Resolves to whether the engine itself has deleted its data since the last call, and whether
   * botshelf has reported that.
   */
  takeErasure?(): Promise<Erasure | undefined>
  /** Closes the stores that `openStores` has opened. */
  closeStores?(): Promise<void>
  /** What `start` has started: a process, or minus the id of a process group, as for `kill(2)`. */
  readonly processId: number
  /** Kills the processes that `start` has started, with SIGKILL. */
  kill(): Promise<void>
  /** Kills the processes, and deletes what the engine keeps outside the data folder. */
  dispose(): Promise<void>
}

/** The engine has deleted all data of all databases, also of those that botshelf does not touch. */
export interface Erasure {
  /** Whether a runtime has emitted `data-lost`. */
  readonly isReported: boolean
}
