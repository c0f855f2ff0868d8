import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import {
  type AdminHandlerOptions,
  bearerAuth,
  createAdminHandler,
} from '../../../src/admin/index.ts'
import { StorageRuntime } from '../../../src/index.ts'

export const TOKEN = 'correct horse battery staple'

/** A bot with the admin API over HTTP in this process, on one Memory plugin. */
export interface MemoryBot {
  readonly url: string
  /** A runtime on the same data. */
  readonly runtime: StorageRuntime
  /** The requests so far, such as `GET /admin/namespaces?sizes=true`. */
  readonly requests: readonly string[]
  stop(): Promise<void>
}

/** Starts a {@link MemoryBot} on a free port. */
export async function startMemoryBot(options?: Partial<AdminHandlerOptions>): Promise<MemoryBot> {
  const plugin = new MemoryStoragePlugin()
  const runtime = new StorageRuntime(plugin)
  const requests: string[] = []
  const admin = createAdminHandler({
    open: () => new StorageRuntime(plugin),
    authorize: bearerAuth(TOKEN),
    secret: TOKEN,
    onError: () => {},
    ...options,
  })
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array))
      const { method = 'GET', url = '/' } = request
      requests.push(`${method} ${url}`)
      const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }
      const headers = request.headers as Record<string, string>
      const answer =
        (await admin(new Request(new URL(url, 'http://bot'), { method, headers, ...body }))) ??
        new Response('<!doctype html><title>A bot</title>', {
          status: url === '/' ? 200 : 404,
          headers: { 'content-type': 'text/html' },
        })
      response.writeHead(answer.status, Object.fromEntries(answer.headers))
      response.end(Buffer.from(await answer.arrayBuffer()))
    })()
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}/`,
    runtime,
    requests,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await runtime.close()
    },
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}
