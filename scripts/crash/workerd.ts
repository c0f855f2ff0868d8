import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { Readable } from 'node:stream'
import { DurableObjectStoragePlugin } from 'botshelf/durable-object'
import { decode, encode } from 'botshelf/codec'
import { type Store, StorageRuntime } from 'botshelf'
import { bundle } from '../bundle.ts'
import type { CrashEngine, LoadedStore } from './engine.ts'

const WORKER = new URL('./worker.mjs', import.meta.url)
const START_TIMEOUT_MS = 10_000

export interface WorkerdEngineOptions {
  /** Plants a fault: the Worker acknowledges each `commit` message 100 ms before it sends it. */
  readonly acknowledgesEarly?: boolean
}

/**
 * Durable Objects in a workerd of their own, with files. The stores are in this process, as Workers
 * are on other machines than an object: they outlive it, and send a lost message again.
 */
export class WorkerdEngine implements CrashEngine {
  readonly #acknowledgesEarly: boolean
  #configFolder: string | undefined
  #process: ChildProcess | undefined
  readonly #killAtExit = (): void => void this.#process?.kill('SIGKILL')
  /** Empty while workerd cannot be reached. */
  #url = ''

  constructor({ acknowledgesEarly = false }: WorkerdEngineOptions = {}) {
    this.#acknowledgesEarly = acknowledgesEarly
  }

  async start(folder: string): Promise<void> {
    this.#configFolder ??= await buildWorker(this.#acknowledgesEarly)
    await mkdir(folder, { recursive: true })
    const parameters = [
      'serve',
      'config.capnp',
      '--control-fd=3',
      `--directory-path=data=${folder}`,
    ]
    const child = spawn(workerdPath(), parameters, {
      cwd: this.#configFolder,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    process.once('exit', this.#killAtExit)
    this.#url = `http://127.0.0.1:${await readPort(child)}/`
  }

  async openStores(count: number): Promise<LoadedStore[]> {
    return Promise.all(Array.from({ length: count }, () => this.#openStore()))
  }

  async readContents(): Promise<Map<string, unknown>> {
    const store = await this.#openStore()
    const contents = new Map<string, unknown>()
    for await (const [key, value] of store.entries()) contents.set(key, value)
    return contents
  }

  get processId(): number {
    if (this.#process?.pid === undefined) throw new Error('workerd is not running.')
    return this.#process.pid
  }

  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    this.#process = undefined
    this.#url = ''
    process.off('exit', this.#killAtExit)
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    if (child.exitCode === null && child.kill('SIGKILL')) await exited
  }

  async dispose(): Promise<void> {
    await this.kill()
    if (this.#configFolder === undefined) return
    await rm(this.#configFolder, { recursive: true })
    this.#configFolder = undefined
  }

  async #openStore(): Promise<Store> {
    const binding = {
      idFromName: (name: string) => name,
      get: (name: string) => ({ call: (message: unknown) => this.#call(name, message) }),
    }
    return new StorageRuntime(new DurableObjectStoragePlugin({ STORAGE_CONFIG: { binding } })).open(
      'crash',
    )
  }

  async #call(name: string, message: unknown): Promise<unknown> {
    // What the platform says when the machine of an object is gone.
    if (this.#url === '') throw new Error('Network connection lost.')
    const response = await fetch(this.#url, { method: 'POST', body: encode({ name, message }) })
    const text = await response.text()
    if (!response.ok) throw new Error(text)
    return decode(text)
  }
}

/** Builds the Worker, and writes it and the configuration of workerd to a folder. */
async function buildWorker(acknowledgesEarly: boolean): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-workerd-'))
  await writeFile(join(folder, 'worker.js'), await bundle(WORKER))
  await writeFile(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "data", disk = (writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01",
  durableObjectNamespaces = [
    (className = "StorageObject", uniqueKey = "storage", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "data"),
  bindings = [
    (name = "BOT_STORAGE", durableObjectNamespace = "StorageObject"),
    (name = "ACKNOWLEDGES_EARLY", json = "${acknowledgesEarly}"),
  ],
);
`,
  )
  return folder
}

function workerdPath(): string {
  const require = createRequire(import.meta.resolve('miniflare'))
  return (require('workerd') as { readonly default: string }).default
}

/** Resolves to the port on which workerd listens; rejects with what it printed if it exits. */
async function readPort(child: ChildProcess): Promise<number> {
  let errors = ''
  child.stderr?.on('data', (chunk) => (errors += String(chunk)))
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error(`workerd did not start: ${errors}`))
    const timer = setTimeout(fail, START_TIMEOUT_MS)
    child.once('error', reject).once('exit', fail)
    let events = ''
    ;(child.stdio[3] as Readable).on('data', (chunk) => {
      events += String(chunk)
      const port = /"port":(\d+)/.exec(events)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      resolve(Number(port))
    })
  })
}
