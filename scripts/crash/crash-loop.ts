import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { checkRound } from './check-round.ts'
import type { CrashEngine } from './engine.ts'
import { CLIENT_COUNT, Load } from './load.ts'
import type { PowerCutDisk } from './power-cut-disk.ts'

/** What is killed, how often and under which load. */
export interface CrashOptions {
  readonly engine: CrashEngine
  readonly kills: number
  readonly seed: number
  /** How many keys one group has. Default: 3. */
  readonly groupSize?: number
  /** Kills between two checks; the second one comes soon after the start. Default: 1. */
  readonly killsPerCheck?: number
  /** Whether the stores are closed before the kill. Default: they are in use. */
  readonly closesFirst?: boolean
  /** Where the data is; its power is cut before each kill. Default: a folder, and no power cut. */
  readonly disk?: PowerCutDisk | undefined
  /** Called after each check. */
  readonly onCheck?: (figures: CrashFigures) => void
}

/** What became of the writes of a crash test. */
export interface CrashFigures {
  /** How often the data was checked. */
  cases: number
  kills: number
  /** The writes that resolved. */
  acknowledged: number
  /** The acknowledged writes that are not there. */
  lost: number
  /** The checks that found a group of changes in part. */
  torn: number
  /** The writes of which the client does not know whether they were applied. */
  unknown: number
  /** How often the browser itself has erased all databases of the origin. Their writes are not `lost`. */
  erased: number
  /** How many of these erasures a runtime has reported with `data-lost`. */
  reported: number
  /** What was wrong, a sentence each. */
  readonly violations: string[]
}

const MAX_LOAD_MS = 1200
/** The load before the second of two kills. */
const MAX_SHORT_LOAD_MS = 300

/**
 * Kills an engine under the load of concurrent clients, again and again, and checks after each restart
 * that what it has acknowledged is there.
 */
export async function runCrashes(options: CrashOptions): Promise<CrashFigures> {
  const folder = options.disk?.folder ?? (await mkdtemp(join(tmpdir(), 'botshelf-crash-')))
  try {
    return await new CrashLoop(options, folder).run()
  } finally {
    await options.engine.dispose()
    if (options.disk === undefined)
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

class CrashLoop {
  readonly #options: CrashOptions
  readonly #folder: string
  readonly #figures: CrashFigures = {
    cases: 0,
    kills: 0,
    acknowledged: 0,
    lost: 0,
    torn: 0,
    unknown: 0,
    erased: 0,
    reported: 0,
    violations: [],
  }
  /** What the entries of earlier rounds were at the last check. They are not written any more. */
  #earlier: ReadonlyMap<string, unknown> = new Map()
  #generation = 0

  constructor(options: CrashOptions, folder: string) {
    this.#options = options
    this.#folder = folder
  }

  async run(): Promise<CrashFigures> {
    const { engine, kills, killsPerCheck = 1, seed, groupSize = 3, onCheck } = this.#options
    await engine.start(this.#dataFolder)
    for (let round = 1; this.#figures.kills < kills; round++) {
      const load = new Load({ prefix: `${round}/`, seed: seed + round, groupSize })
      await this.#killUnderLoad(load, MAX_LOAD_MS)
      for (let kill = 1; kill < killsPerCheck; kill++) {
        await this.#killUnderLoad(load, MAX_SHORT_LOAD_MS)
      }
      await this.#check(load)
      onCheck?.(this.#figures)
    }
    return this.#figures
  }

  get #dataFolder(): string {
    return join(this.#folder, String(this.#generation))
  }

  /** Kills the engine while clients call it, and starts it again. */
  async #killUnderLoad(load: Load, maxLoadMs: number): Promise<void> {
    const { engine, disk, closesFirst = false } = this.#options
    load.start(await engine.openStores(CLIENT_COUNT))
    await load.untilAcknowledged(CLIENT_COUNT)
    await sleep(Math.random() * maxLoadMs)
    if (closesFirst) {
      await load.stop()
      await engine.closeStores?.()
    }
    await disk?.cut(engine.processId)
    const killed = engine.kill()
    const stopped = load.stop()
    await killed
    this.#figures.kills++
    await disk?.restore()
    await this.#orStartEmpty(() => engine.start(this.#dataFolder))
    // A store in this process sends calls again that the engine has not answered.
    await stopped
  }

  /** Runs a step that reads the data. If it fails, the engine starts in another folder. */
  async #orStartEmpty<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step()
    } catch (error) {
      // Files that a disk has not written in full may be damaged.
      this.#figures.violations.push(`The data could not be read: ${String(error)}`)
      const { engine } = this.#options
      await engine.kill()
      this.#generation++
      await engine.start(this.#dataFolder)
      return undefined
    }
  }

  async #check(load: Load): Promise<void> {
    const { engine } = this.#options
    const figures = this.#figures
    const contents = (await this.#orStartEmpty(() => engine.readContents())) ?? new Map()
    const erasure = await engine.takeErasure?.()
    const round = checkRound(load, contents)
    figures.cases++
    figures.acknowledged += round.acknowledged
    figures.unknown += round.unknown
    if (erasure === undefined) {
      figures.lost += round.lost + this.#countChanged(contents)
      figures.torn += round.isTorn ? 1 : 0
      figures.violations.push(...round.violations)
    } else {
      figures.erased++
      if (erasure.isReported) figures.reported++
    }
    this.#earlier = contents
  }

  #countChanged(contents: ReadonlyMap<string, unknown>): number {
    let changed = 0
    for (const [key, value] of this.#earlier) {
      if (isDeepStrictEqual(contents.get(key), value)) continue
      changed++
      this.#figures.violations.push(`Key "${key}" of an earlier check has changed.`)
    }
    return changed
  }
}
