import { describe, expect, test } from 'vitest'
import { NOON, startTestBot } from '../support/test-bot.ts'

const MINUTE = 60_000

describe('seen', () => {
  test('shows when a user was last here and what they said or did', async () => {
    const { say } = await startTestBot()
    await say('Bob', 'hello')
    expect(await say('ann', '!seen bob')).toEqual([
      'Bob was last seen on 2026-01-02 12:00 UTC in lobby, saying: hello',
    ])
    await say('Bob', 'sips a coffee', { kind: 'action' })
    expect((await say('ann', '!seen BOB'))[0]).toContain('doing: * Bob sips a coffee')
    expect(await say('ann', '!seen cid')).toEqual(['I have not seen cid.'])
    expect(await say('ann', '!seen Ann')).toEqual(['You are here, ann.'])
  })
  test('shows the text in the room it was said in; elsewhere only the time', async () => {
    const { say } = await startTestBot()
    await say('Bob', 'hello')
    const seen = 'Bob was last seen on 2026-01-02 12:00 UTC'
    expect(await say('ann', '!seen bob', { room: 'elsewhere' })).toEqual([`${seen}.`])
    expect(await say('ann', '!seen bob')).toEqual([`${seen} in lobby, saying: hello`])
  })
  test('counts a private message and does not store its text', async () => {
    const { say, stored } = await startTestBot()
    await say('Bob', 'my pin is 1234', { isPrivate: true })
    await say('Bob', 'writes 1234', { isPrivate: true, kind: 'action' })
    expect(await stored('Seen')).toMatchObject({ bob: { messages: 1, text: '' } })
    expect(JSON.stringify(await stored('Seen'))).not.toContain('1234')
    const seen = 'Bob was last seen on 2026-01-02 12:00 UTC.'
    expect(await say('ann', '!seen bob')).toEqual([seen])
  })
  test('a line break in a message cannot forge a line of the bot', async () => {
    const { say } = await startTestBot()
    await say('Bob', 'a\nb\r\nc\u2028d\u2029e\u0085f\vg\fh')
    expect((await say('ann', '!seen bob'))[0]).toMatch(/ saying: a b c d e f g h$/)
    await say('eve\nBob', 'hello')
    expect((await say('ann', '!seen eve\nBob'))[0]).toMatch(/^eve Bob was last seen/)
    expect(await say('ann', '!seen x\ny')).toEqual(['I have not seen x y.'])
  })
  test('a change of nick is a sighting of both nicks and not a message', async () => {
    const { say, stored } = await startTestBot()
    await say('bob', 'hello')
    await say('bob', 'rob', { kind: 'nick', at: NOON + MINUTE })
    expect((await say('ann', '!seen bob'))[0]).toContain('12:01 UTC in lobby, becoming rob.')
    expect((await say('ann', '!seen rob'))[0]).toContain('coming from the nick bob.')
    expect(await stored('Seen')).toMatchObject({ bob: { messages: 1 }, rob: { messages: 0 } })
  })
  test('an older event is counted but not the last; within a minute the later one is the last', async () => {
    const { say, stored } = await startTestBot()
    await say('bob', 'new')
    await say('bob', 'newer')
    await say('bob', 'old', { at: NOON - MINUTE })
    expect(await stored('Seen')).toMatchObject({ bob: { messages: 3, text: 'newer', at: NOON } })
  })
  test('messages are counted, actions are not', async () => {
    const { say } = await startTestBot()
    await say('bob', 'one')
    await say('bob', 'two')
    await say('bob', 'waves', { kind: 'action' })
    await say('cid', 'waves', { kind: 'action' })
    expect(await say('ann', '!busiest')).toEqual(['bob: 2 messages', 'ann: 1 message'])
    expect(await say('ann', '!busiest 1')).toEqual(['ann: 2 messages'])
    expect((await say('ann', '!busiest 0'))[0]).toContain('!busiest 5')
  })
  test('a nick may have any content; one with an unpaired surrogate is not stored', async () => {
    const { say, stored } = await startTestBot()
    for (const nick of ['__proto__', 'constructor', '', 'a/b:c%', '😀']) {
      await say(nick, 'hello')
      expect((await say('ann', `!seen ${nick}`))[0]).toMatch(nick ? /saying: hello/ : /!seen nick/)
    }
    expect(await say('\ud800', 'hello')).toEqual([])
    expect((await say('ann', '!seen \ud800'))[0]).toContain('a broken character')
    expect(Object.keys(await stored('Seen'))).toHaveLength(6)
  })
})
