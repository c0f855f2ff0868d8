import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { replayInMemory } from '../../../scripts/replay/memory.ts'
import { knowledgeLines } from '../../../worker/bot/knowledge.ts'
import { countByAwk, logEvents, logPath, LOGS } from '../support/irc-logs.ts'
import { startTestBot } from '../support/test-bot.ts'

const SCRIPT = fileURLToPath(new URL('../../../scripts/replay.ts', import.meta.url))

async function replay(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, ['--conditions=botshelf-source', SCRIPT, ...args])
}

describe.each(LOGS)('%s', (log) => {
  test('what the bot knows equals what awk counts, entry by entry', async () => {
    const counted = countByAwk(log)
    expect(counted.length).toBeGreaterThan(250)
    expect(knowledgeLines(await replayInMemory(logEvents(log), '#ubuntu'))).toEqual(counted)
  })
  test('there is no karma in it, and nobody learned anything', async () => {
    const { bot, stored } = await startTestBot()
    for (const event of logEvents(log)) {
      await bot.handle({ ...event, room: 'r', identity: `irc:${event.nick}`, operator: false })
    }
    expect(await stored('Karma')).toEqual({})
    expect(await stored('Todo')).toEqual({})
    expect(JSON.stringify(await stored('Factoids'))).not.toContain('text')
  })
  test('heard twice, everything counts twice and the last seen stays', async () => {
    const events = logEvents(log)
    const once = countByAwk(log).map((line) => line.split('\t'))
    const twice = knowledgeLines(await replayInMemory([...events, ...events], '#ubuntu'))
    expect(twice).toEqual(
      once.map(([what, name, count, ...last]) =>
        [what, name, Number(count) * 2, ...last].join('\t'),
      ),
    )
  })
})

test('an awkward log, made by hand, is the same to the bot and to awk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-log-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const log = join(folder, '2008-02-28.awkward.txt')
  const says = `!Tea?;! tea|bob;!tea > #room;!backup;!backup | bob;!help me;!help> me;!;!!;!= x;!:);!-v
;!|x;!constructor;!__proto__;!a__proto__;x !y;!learn never = asked;!a,.;  !late;!tab	in it | z;!learn;!forget x;!seen | x
;!todo;!config;!Busiest 3;!unblacklist | x;; ;!${'n'.repeat(64)};!${'n'.repeat(65)}`
  const spoken = says.split(/\n?;/).map((text) => `[23:59] <Ann> ${text}`)
  const lines = `=== early is now known as bird
${spoken.join('\n')}
[00:00] <[b]^_\`{|}-\\> past midnight
[00:01]  * ann waves
[00:01] * bob waves too  
=== ann is now known as Ann
=== x changed the topic of #y to: z
[23:58] <a> next
[00:00] <a> 1 March, for 2008 is a leap year
[00:00] <empty>
[00:00] <empty2> 
[00:00] -notice- x
--- Day changed
[1:00] <x> y
=== a is now known as b c`
  await writeFile(log, lines)
  const counted = countByAwk(log)
  expect(knowledgeLines(await replayInMemory(logEvents(log), '#ubuntu'))).toEqual(counted)
  expect(counted).toContain('asked\ttea\t3')
  expect(counted).toContain('asked\tbackup\t1')
  expect(counted).toContain(
    'seen\ta\t2\t2008-03-01T00:00\tmessage\t1 March, for 2008 is a leap year',
  )
})

describe('the command', () => {
  test('prints what the bot knows as JSON, and progress beside it', async () => {
    const { stdout, stderr } = await replay(logPath(LOGS[0]), '--storage', 'Memory', '--json')
    const result = JSON.parse(stdout) as { events: number; knowledge: string[] }
    expect(result.events).toBe(1499)
    expect(result.knowledge).toEqual(countByAwk(LOGS[0]))
    expect(stderr).toContain('heard 1499 of 1499')
  })
  test.each(LOGS)('%s ends in the same knowledge on IndexedDB in Chromium', async (log) => {
    const args = [logPath(log), '--storage', 'IndexedDB', '--json']
    const { stdout, stderr } = await replay(...args)
    const result = JSON.parse(stdout) as { storage: string; events: number; knowledge: string[] }
    expect(result).toMatchObject({ storage: 'IndexedDB', events: logEvents(log).length })
    expect(result.knowledge).toEqual(countByAwk(log))
    expect(stderr).toContain(`heard ${result.events} of ${result.events}`)
  })
  test('prints it for people', async () => {
    const { stdout } = await replay(logPath(LOGS[1]), '--storage', 'Memory')
    expect(stdout).toContain('     9  ask\n')
    expect(stdout).toContain('Busiest nicks')
    expect(stdout).toContain('2010-03-20 12:31 UTC  ubottu, saying: Information about using')
  })
  test.each([
    [[], 'Name one log'],
    [['a', 'b'], 'Name one log'],
    [[logPath(LOGS[0])], '--storage takes one of Memory, IndexedDB, DurableObject, CloudflareKV.'],
    [[logPath(LOGS[0]), '--storage', 'Redis'], '--storage takes one of'],
    [['no-date.txt', '--storage', 'Memory'], 'must hold its date'],
    [['2007-10-24.gone.txt', '--storage', 'Memory'], 'cannot be read'],
    [[logPath(LOGS[0]), '--storage', 'Memory', '--url', 'http://x'], '--url is for'],
    [[logPath(LOGS[0]), '--storage', 'IndexedDB', '--url', 'http://x'], '--url is for'],
    [[logPath(LOGS[0]), '--storage', 'CloudflareKV', '--url', 'x'], '--url takes the address'],
    [['--wrong'], 'Unknown option'],
  ])('%j gets one sentence and exit code 2', async (args, sentence) => {
    const failed = replay(...args)
    await expect(failed).rejects.toMatchObject({ code: 2, stdout: '' })
    const { stderr } = (await failed.catch((error: unknown) => error)) as { stderr: string }
    expect(stderr).toContain(sentence)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
