import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { replayInMemory } from '../../../scripts/replay/memory.ts'
import { formatKnowledge } from '../../../worker/bot/knowledge.ts'
import { countByAwk, logEvents, LOGS } from '../support/irc-logs.ts'
import { startTestBot } from '../support/test-bot.ts'

describe.each(LOGS)('%s', (log) => {
  test('gives the knowledge that awk counts, entry by entry', async () => {
    const counted = countByAwk(log)
    expect(counted.length).toBeGreaterThan(250)
    expect(formatKnowledge(await replayInMemory(logEvents(log), '#ubuntu'))).toEqual(counted)
  })
  test('contains no karma and teaches no factoid', async () => {
    const { bot, stored } = await startTestBot()
    for (const event of logEvents(log)) {
      await bot.handle({ ...event, room: 'r', identity: `irc:${event.nick}`, hasAdminToken: false })
    }
    expect(await stored('Karma')).toEqual({})
    expect(await stored('Todo')).toEqual({})
    expect(JSON.stringify(await stored('Factoids'))).not.toContain('text')
  })
  test('replayed twice, counts twice and keeps the last sightings', async () => {
    const events = logEvents(log)
    const once = countByAwk(log).map((line) => line.split('\t'))
    const twice = formatKnowledge(await replayInMemory([...events, ...events], '#ubuntu'))
    expect(twice).toEqual(
      once.map(([what, name, count, ...last]) =>
        [what, name, Number(count) * 2, ...last].join('\t'),
      ),
    )
  })
})

test('the bot and awk agree on an invented log of edge cases', async () => {
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
  expect(formatKnowledge(await replayInMemory(logEvents(log), '#ubuntu'))).toEqual(counted)
  expect(counted).toContain('asked\ttea\t3')
  expect(counted).toContain('asked\tbackup\t1')
  expect(counted).toContain(
    'seen\ta\t2\t2008-03-01T00:00\tmessage\t1 March, for 2008 is a leap year',
  )
})
