import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { bundle } from '../bundle.ts'
import { Inspector } from './inspector.ts'
import type { SoakTarget } from './soak.ts'
import type { WorkerBackend, WorkerReply } from './worker-messages.ts'

const WORKER = new URL('./worker.ts', import.meta.url)

/** Runs the load in workerd. */
export async function startWorkerd(backend: WorkerBackend, version: string): Promise<SoakTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-soak-'))
  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({
      modules: true,
      script: await bundle(WORKER),
      compatibilityDate: '2026-10-01',
      durableObjects: {
        BOT_STORAGE: { className: 'SoakObject', useSQLite: true },
        HOST: { className: 'HostObject', useSQLite: true },
      },
      kvNamespaces: ['BOT_KV'],
      inspectorPort: 0,
      // workerd logs each reset of an object.
      handleStructuredLogs: () => {},
    }),
    resourcePersistencePath: folder,
  })
  const url = await miniflare.ready
  const inspector = await Inspector.connect(await miniflare.getInspectorURL(), async () =>
    (await fetch(url)).text(),
  )
  let unhandledRejections = 0
  return {
    backend,
    engine: `workerd ${version}`,
    async work(seed) {
      const response = await fetch(url, {
        method: 'POST',
        body: JSON.stringify({ backend, seed }),
      })
      if (!response.ok) throw new Error(await response.text())
      const reply = (await response.json()) as WorkerReply
      unhandledRejections = reply.unhandledRejections
      return reply
    },
    async sample() {
      const heapBytes = await inspector.measureHeap()
      // Miniflare's KV alone, without botshelf, takes 4 MB more with each 130 calls, and never less.
      const resident =
        backend === 'CloudflareKV' ? {} : { residentBytes: measureResident('workerd') }
      return { heapBytes, ...resident, unhandledRejections }
    },
    async close() {},
    async stop() {
      inspector.close()
      await miniflare.dispose()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Returns the memory that the children of this process with a name occupy. */
function measureResident(name: string): number {
  const lines = execFileSync('ps', ['-A', '-o', 'ppid=,rss=,comm='], { encoding: 'utf8' }).split(
    '\n',
  )
  const sizes = lines.flatMap((line) => {
    const [parent, kilobytes, command = ''] = line.trim().split(/\s+/)
    return Number(parent) === process.pid && command.endsWith(name) ? [Number(kilobytes)] : []
  })
  return sizes.reduce((sum, kilobytes) => sum + kilobytes * 1024, 0)
}
