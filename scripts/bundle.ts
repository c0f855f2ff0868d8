import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Bundles a script with the sources of botshelf, for a page or a Worker.
 *
 * @param format `iife` for a page that runs no modules
 */
export async function bundle(entryPoint: URL, format: 'esm' | 'iife' = 'esm'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entryPoint)],
    bundle: true,
    conditions: ['botshelf-source'],
    format,
    target: 'es2022',
    external: ['cloudflare:workers'],
    write: false,
  })
  return outputFiles.map(({ text }) => text).join('\n')
}
