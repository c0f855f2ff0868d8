import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

/**
 * Starts workerd with the Worker of `worker.ts`.
 *
 * @param dataFolder where Durable Objects and KV keep their data. Default: in memory
 */
export async function startMiniflare(dataFolder?: string): Promise<Miniflare> {
  const { outputFiles } = await build({
    entryPoints: [new URL('./worker.ts', import.meta.url).pathname],
    bundle: true,
    conditions: ['botshelf-source'],
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['cloudflare:workers'],
  })
  const options = convertV4MiniflareOptions({
    modules: true,
    script: outputFiles[0]?.text ?? '',
    compatibilityDate: '2026-10-01',
    durableObjects: {
      BOT_STORAGE: { className: 'StorageObject', useSQLite: true },
      HOST: { className: 'HostObject', useSQLite: true },
    },
    kvNamespaces: ['BOT_KV'],
  })
  return new Miniflare(
    dataFolder === undefined ? options : { ...options, resourcePersistencePath: dataFolder },
  )
}
