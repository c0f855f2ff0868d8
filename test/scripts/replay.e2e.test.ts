import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { countByAwk, logEvents, logPath, LOGS } from '../worker/support/irc-logs.ts'

const SCRIPT = fileURLToPath(new URL('../../scripts/replay.ts', import.meta.url))

async function replay(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, ['--conditions=botshelf-source', SCRIPT, ...args])
}

describe('npm run replay', () => {
  test('prints the knowledge as JSON, and progress on standard error', async () => {
    const { stdout, stderr } = await replay(logPath(LOGS[0]), '--storage', 'Memory', '--json')
    const result = JSON.parse(stdout) as { events: number; knowledge: string[] }
    expect(result.events).toBe(1499)
    expect(result.knowledge).toEqual(countByAwk(LOGS[0]))
    expect(stderr).toContain('replayed 1499 of 1499')
  })
  test.each(LOGS)('gives the same knowledge for %s on IndexedDB in Chromium', async (log) => {
    const args = [logPath(log), '--storage', 'IndexedDB', '--json']
    const { stdout, stderr } = await replay(...args)
    const result = JSON.parse(stdout) as { storage: string; events: number; knowledge: string[] }
    expect(result).toMatchObject({ storage: 'IndexedDB', events: logEvents(log).length })
    expect(result.knowledge).toEqual(countByAwk(log))
    expect(stderr).toContain(`replayed ${result.events} of ${result.events}`)
  })
  test('prints a readable report', async () => {
    const { stdout } = await replay(logPath(LOGS[1]), '--storage', 'Memory')
    expect(stdout).toContain('     9  ask\n')
    expect(stdout).toContain('Busiest nicks')
    expect(stdout).toContain('2010-03-20 12:31 UTC  ubottu, saying: Information about using')
  })
  test.each([
    [[], 'Pass one log'],
    [['a', 'b'], 'Pass one log'],
    [
      [logPath(LOGS[0])],
      '--storage must be one of Memory, IndexedDB, DurableObject, CloudflareKV.',
    ],
    [[logPath(LOGS[0]), '--storage', 'Redis'], '--storage must be one of'],
    [['no-date.txt', '--storage', 'Memory'], 'must contain its date'],
    [['2007-10-24.gone.txt', '--storage', 'Memory'], 'Cannot read the log'],
    [
      [logPath(LOGS[0]), '--storage', 'Memory', '--url', 'http://x'],
      '--url needs a storage of a Worker',
    ],
    [
      [logPath(LOGS[0]), '--storage', 'IndexedDB', '--url', 'http://x'],
      '--url needs a storage of a Worker',
    ],
    [[logPath(LOGS[0]), '--storage', 'CloudflareKV', '--url', 'x'], '--url takes the address'],
    [['--wrong'], 'Unknown option'],
  ])('%j fails with one sentence and exit code 2', async (args, sentence) => {
    const failed = replay(...args)
    await expect(failed).rejects.toMatchObject({ code: 2, stdout: '' })
    const { stderr } = (await failed.catch((error: unknown) => error)) as { stderr: string }
    expect(stderr).toContain(sentence)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
