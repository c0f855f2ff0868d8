import { execFile } from 'node:child_process'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The folder of the project. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * Runs a command as a user would, who has the project's tools but not its npm settings, and resolves
 * to what it printed.
 *
 * @throws Error with all that it said, if it failed
 */
export async function run(folder: string, command: string, ...args: string[]): Promise<string> {
  // `npm test` hands its settings on; they would rule the npm that is started here too.
  const env = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 16 * 1024 * 1024,
      env: {
        ...Object.fromEntries(env),
        PATH: `${join(ROOT, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`,
        // Else Miniflare asks the network for where it is, and wrangler for a newer one.
        CLOUDFLARE_CF_FETCH_ENABLED: 'false',
        FORCE_COLOR: '0',
        WRANGLER_HIDE_BANNER: 'true',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_WRITE_LOGS: 'false',
      },
    })
    return stdout
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string }
    throw new Error(`${[command, ...args].join(' ')} failed:\n${stdout}${stderr}`, { cause })
  }
}
