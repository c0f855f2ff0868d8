import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { storedBefore } from '../task.ts'
import type { Answer, Assignment } from '../workerd/assignment.ts'
import type { Engine } from './engine.ts'

/** How long a request should last at least, in milliseconds: it costs half a millisecond itself. */
const ENOUGH = 200
const MOST_REPEATS = 20_000

/** A real Worker runtime, whose objects and KV keep their data on the disk. */
export async function startWorkerd(): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-bench-'))
  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({
      modules: true,
      script: await bundle(),
      compatibilityDate: '2026-10-01',
      durableObjects: {
        BOT_STORAGE: { className: 'StorageObject', useSQLite: true },
        HAND: { className: 'HandObject', useSQLite: true },
        HOST: { className: 'HostObject', useSQLite: true },
      },
      kvNamespaces: ['KV'],
    }),
    resourcePersistencePath: folder,
  })
  const url = await miniflare.ready
  const repeats = new Map<string, number>()

  return {
    async sample({ id, task, database = id }, candidate, round) {
      const ask = (phase: Assignment['phase'], repeat: number): Promise<Answer> =>
        send(url, {
          candidate,
          database,
          task,
          phase,
          repeat,
          seed: 1 + round * MOST_REPEATS + (phase === 'run' ? 1 : 0),
        })
      const of = `${id} ${candidate}`
      if (round === 0) {
        if (task.op !== 'open' && storedBefore(task) > 0) await ask('fill', 1)
        const answer = await ask('verify', 1)
        // What is done for the first time takes longer; so what it takes is looked at three times.
        let repeat = 1
        for (let tries = 0; tries < 3; tries++) {
          const ms = await timed(() => ask('run', repeat))
          repeat = Math.ceil(Math.max(1, Math.min(MOST_REPEATS, (repeat * ENOUGH) / ms)))
        }
        repeats.set(of, repeat)
        return { ms: 0, ...answer }
      }
      const repeat = repeats.get(of) ?? 1
      return { ms: (await timed(() => ask('run', repeat))) / repeat }
    },
    async stop() {
      await miniflare.dispose()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

async function send(url: URL, assignment: Assignment): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(assignment) })
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as Answer
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
