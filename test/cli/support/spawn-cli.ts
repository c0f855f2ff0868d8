import { execFile } from 'node:child_process'
import process from 'node:process'
import { TOKEN } from './memory-bot.ts'
import type { CliResult } from './run-cli.ts'

const MAIN = new URL('../../../cli/main.ts', import.meta.url).pathname

/** Runs the command as a process of its own, with nothing on standard input. */
export function spawnCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Omit<CliResult, 'exitCode'> & { readonly exitCode: number }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--conditions=botshelf-source', MAIN, ...args],
      { env: { PATH: process.env['PATH'], BOTSHELF_TOKEN: TOKEN, ...env } },
      (error, stdout, stderr) => {
        resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
      },
    )
    child.stdin?.end()
  })
}
