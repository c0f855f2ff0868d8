import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type LogEvent, logDate, readLog } from '../../../worker/bot/irc-log.ts'

/** The two real logs, ordered by date. */
export const LOGS = ['2007-10-24.train-c.txt', '2010-03-20.train-c.txt'] as const

/** Returns the path of a file in test/data/irc. */
export function logPath(name: string): string {
  return fileURLToPath(new URL(`../../data/irc/${name}`, import.meta.url))
}

/** Returns the events of a log, given the name of a real one or a path. */
export function logEvents(log: string): LogEvent[] {
  return [...readLog(readFileSync(pathOf(log), 'utf8'), logDate(basename(log)) ?? Number.NaN)]
}

/** Returns what `count.awk` counts in logs, independently of the bot: sorted lines. */
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
