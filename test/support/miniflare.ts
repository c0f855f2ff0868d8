import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { bundle } from '../../scripts/bundle.ts'

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
  const options = convertV4MiniflareOptions({
    modules: true,
    script: await bundle(entryPoint),
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
