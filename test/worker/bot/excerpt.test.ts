import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { LOG_EXCERPT } from '../../../worker/bot/excerpt.ts'
import { logDate, readLog } from '../../../worker/bot/irc-log.ts'
import { logPath, LOGS } from '../support/irc-logs.ts'

const FILE = new URL(`../../../worker/web/${LOG_EXCERPT.path}`, import.meta.url)

test('the excerpt equals the lines of the log that its note names, with their times', () => {
  const lines = readFileSync(logPath(LOGS[0]), 'utf8').split('\n')
  const text = readFileSync(FILE, 'utf8')
  expect(text).toBe(`${lines.slice(690, 951).join('\n')}\n`)
  expect(LOG_EXCERPT.midnight).toBe(logDate(LOGS[0]))
})

test('the excerpt has commands with an addressee, a frequent factoid, and changes of nick', () => {
  const events = [...readLog(readFileSync(FILE, 'utf8'), LOG_EXCERPT.midnight)]
  expect(events).toHaveLength(260)
  expect(events.filter(({ text }) => /^!\S+ [|>] /.test(text)).length).toBeGreaterThan(9)
  expect(events.filter(({ text }) => text.startsWith('!fr '))).toHaveLength(5)
  expect(events.filter(({ kind }) => kind === 'nick').length).toBeGreaterThan(4)
})
