import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, kCurrentWorker, Miniflare } from 'miniflare'
import { storedBefore } from '../task.ts'
import type { Assignment, AssignmentResult } from '../workerd/assignment.ts'
import type { Engine } from './engine.ts'

/** A request repeats its task for about this long, because the request takes 0.5 ms. */
const REQUEST_MS = 200
const MAX_REPEATS = 20_000

/** Runs Workers in workerd, whose objects and KV keep their data on the disk. */
export async function startWorkerd(): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-bench-'))
  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({
      modules: true,
      script: await bundle(),
      compatibilityDate: '2026-10-01',
      durableObjects: {
        BOT_STORAGE: { className: 'StorageObject', useSQLite: true },
        BASELINE: { className: 'BaselineObject', useSQLite: true },
        HOST: { className: 'HostObject', useSQLite: true },
      },
      kvNamespaces: ['KV'],
      serviceBindings: { SELF: kCurrentWorker },
    }),
    resourcePersistencePath: folder,
  })
  const url = await miniflare.ready
  const repeats = new Map<string, number>()

  return {
    async sample({ id, task, database = id }, candidate, round) {
      const request = (phase: Assignment['phase'], repeat: number): Promise<AssignmentResult> =>
        send(url, {
          candidate,
          database,
          task,
          phase,
          repeat,
          seed: 1 + round * MAX_REPEATS + (phase === 'run' ? 1 : 0),
        })
      if (task.hasClients) {
        if (round === 0) await request('fill', 1)
        return { ms: 0, ...(await request('clients', 1)) }
      }
      const key = `${id} ${candidate}`
      if (round === 0) {
        if (storedBefore(task) > 0) await request('fill', 1)
        const result = await request('verify', 1)
        // The first runs take longer, so the third one decides how often a request repeats the task.
        let repeat = 1
        for (let tries = 0; tries < 3; tries++) {
          const ms = await timeOf(() => request('run', repeat))
          repeat = Math.ceil(Math.max(1, Math.min(MAX_REPEATS, (repeat * REQUEST_MS) / ms)))
        }
        repeats.set(key, repeat)
        return { ms: 0, ...result }
      }
      const repeat = repeats.get(key) ?? 1
      return { ms: (await timeOf(() => request('run', repeat))) / repeat }
    },
    async stop() {
      await miniflare.dispose()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function timeOf(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

async function send(url: URL, assignment: Assignment): Promise<AssignmentResult> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(assignment) })
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as AssignmentResult
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../workerd/worker.ts', import.meta.url))],
    bundle: true,
    conditions: ['botshelf-source'],
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['cloudflare:workers'],
  })
  return outputFiles.map(({ text }) => text).join('\n')
}
