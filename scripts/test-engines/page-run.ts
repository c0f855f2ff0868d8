import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { OLDEST_BROWSERS } from '../browsers.ts'
import type { Row } from './report.ts'

/** What the page sends to the server. */
export type PageMessage =
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'row'; readonly row: Row }
  | { readonly type: 'end'; readonly userAgent: string }
  | { readonly type: 'error'; readonly message: string }

/** What a page has run, complete or until it failed. */
export interface PageResult {
  readonly rows: readonly Row[]
  readonly userAgent?: string
  readonly stopped?: string
}

const PAGE =
  '<!doctype html><meta charset="utf-8"><title>botshelf</title><pre id="out"></pre><script type="module" src="page.js"></script>'
/** A page that sends nothing for so long has crashed or hangs. */
const MAX_SILENCE_MS = 180_000

/** A server for one run of the test page. */
export class PageRun {
  /** By path. */
  readonly #scripts: ReadonlyMap<string, string>
  readonly #onProgress: (text: string) => void
  readonly #rows: Row[] = []
  readonly #server = createServer((request, response) => void this.#respond(request, response))
  #progress = ''
  #timer: NodeJS.Timeout | undefined
  #finish: (result: PageResult) => void = () => {}
  /** Resolves when the page has run everything, or has failed. */
  readonly result: Promise<PageResult> = new Promise((resolve) => {
    this.#finish = resolve
  })

  /** Builds the page and listens on a free port of `host`. */
  static async start(host: string, onProgress: (text: string) => void): Promise<PageRun> {
    const { outputFiles } = await build({
      entryPoints: ['page', 'worker'].map((name) =>
        fileURLToPath(new URL(`./${name}.ts`, import.meta.url)),
      ),
      outdir: '/',
      bundle: true,
      conditions: ['botshelf-source'],
      format: 'esm',
      target: OLDEST_BROWSERS,
      write: false,
    })
    const scripts = new Map(outputFiles.map(({ path, text }) => [path, text]))
    const run = new PageRun(scripts, onProgress)
    await new Promise<void>((resolve) => run.#server.listen(0, host, resolve))
    return run
  }

  private constructor(scripts: ReadonlyMap<string, string>, onProgress: (text: string) => void) {
    this.#scripts = scripts
    this.#onProgress = onProgress
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') {
      throw new Error(`Expected the server to listen on a port; received ${String(address)}.`)
    }
    return address.port
  }

  /** Limits how long the page may be silent, from now on. */
  limitSilence(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => this.stop(`the page sent nothing for ${MAX_SILENCE_MS / 1000} s`),
      MAX_SILENCE_MS,
    )
  }

  /** Ends the run. Without a reason it has finished. */
  stop(stopped?: string, userAgent?: string): void {
    clearTimeout(this.#timer)
    this.#server.close()
    this.#server.closeAllConnections()
    this.#finish({
      rows: this.#rows,
      ...(userAgent === undefined ? {} : { userAgent }),
      ...(stopped === undefined ? {} : { stopped }),
    })
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') {
      // A page shares memory with its Workers only if it is isolated from other origins.
      response.setHeader('cross-origin-opener-policy', 'same-origin')
      response.setHeader('cross-origin-embedder-policy', 'require-corp')
      const script = this.#scripts.get(request.url ?? '')
      response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
      response.end(script ?? PAGE)
      return
    }
    let body = ''
    for await (const chunk of request) body += String(chunk)
    response.end(() => this.#receive(JSON.parse(body) as PageMessage))
  }

  #receive(message: PageMessage): void {
    this.limitSilence()
    if (message.type === 'progress') {
      if (message.text !== this.#progress) this.#onProgress(message.text)
      this.#progress = message.text
    } else if (message.type === 'row') this.#rows.push(message.row)
    else if (message.type === 'end') this.stop(undefined, message.userAgent)
    else this.stop(message.message)
  }
}
