import { execFile } from 'node:child_process'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The root folder of the project. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Returns an environment with the project's tools on the PATH and without its npm settings. */
export function toolEnvironment(): Record<string, string | undefined> {
  // `npm test` passes its settings on in the environment; a nested npm would obey them.
  const env = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  return {
    ...Object.fromEntries(env),
    PATH: `${join(ROOT, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`,
    // Otherwise Miniflare requests its location from the network, and wrangler its newest version.
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    FORCE_COLOR: '0',
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_WRITE_LOGS: 'false',
  }
}

/**
 * Runs a command in the {@link toolEnvironment}, and resolves to its standard output.
 *
 * @throws Error with all its output, if it failed
 */
export async function run(folder: string, command: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 16 * 1024 * 1024,
      env: toolEnvironment(),
    })
    return stdout
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string }
    throw new Error(`${[command, ...args].join(' ')} failed:\n${stdout}${stderr}`, { cause })
  }
}
