import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type LogEvent, logDate, readLog } from '../../../worker/bot/irc-log.ts'

/** The two real logs, in the order of their dates. */
export const LOGS = ['2007-10-24.train-c.txt', '2010-03-20.train-c.txt'] as const

/** Where a file of test/data/irc is. */
export function logPath(name: string): string {
  return fileURLToPath(new URL(`../../data/irc/${name}`, import.meta.url))
}

/** The events of a log: a real one by its name, or any by its path. */
export function logEvents(log: string): LogEvent[] {
  return [...readLog(readFileSync(pathOf(log), 'utf8'), logDate(basename(log)) ?? Number.NaN)]
}

/** What awk counts in such logs, without the bot: sorted lines. */
export function countByAwk(...logs: readonly string[]): string[] {
  const counted = execFileSync('awk', ['-f', logPath('count.awk'), ...logs.map(pathOf)], {
    env: { ...process.env, LC_ALL: 'C' },
    encoding: 'utf8',
  })
  const lines = counted.split('\n').filter((line) => line !== '')
  return lines.toSorted((a, b) => (a < b ? -1 : Number(a > b)))
}

function pathOf(log: string): string {
  return isAbsolute(log) ? log : logPath(log)
}
