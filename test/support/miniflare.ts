import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

/**
 * Starts workerd with the test Worker.
 *
 * @param dataFolder keeps the data between two starts; without it the data is lost at the end
 * @param entryPoint another Worker, which exports the same classes
 */
export async function startMiniflare(
  dataFolder?: string,
  entryPoint: URL = new URL('./worker.ts', import.meta.url),
): Promise<Miniflare> {
  const { outputFiles } = await build({
    entryPoints: [entryPoint.pathname],
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
