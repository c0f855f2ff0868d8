import { describe, expect, test } from 'vitest'
import { NOON, startTestBot } from '../support/test-bot.ts'

describe('factoids', () => {
  test('a learned factoid is the answer, addressed to a nick if one is named', async () => {
    const { say } = await startTestBot()
    await say('ann', '!learn nvidia = see the wiki')
    expect(await say('bob', '!nvidia')).toEqual(['see the wiki'])
    expect(await say('bob', '!nvidia | cid')).toEqual(['cid: see the wiki'])
    expect(await say('bob', '!nvidia > cid, look')).toEqual([
      'cid: see the wiki (for cid, from bob)',
    ])
    expect(await say('bob', '!nvidia | me')).toEqual(['bob: see the wiki'])
  })
  test('every request is counted, whether the factoid is known or not', async () => {
    const { say, stored } = await startTestBot()
    expect((await say('ann', '!nvidia | bob'))[0]).toContain('I do not know "nvidia"')
    await say('ann', '!learn nvidia = a=b | c')
    await say('ann', '!NVIDIA?')
    const by = 'web:ann'
    expect(await stored('Factoids')).toEqual({
      nvidia: { asked: 2, text: 'a=b | c', by, at: NOON },
    })
  })
  test('a forgotten factoid is not shown, but its requests are counted', async () => {
    const { say, stored } = await startTestBot()
    await say('ann', '!learn tea = left')
    await say('ann', '!tea')
    expect(await say('ann', '!forget tea')).toEqual(['I forgot "tea".'])
    expect(await say('ann', '!forget tea')).toEqual(['I do not know "tea".'])
    expect(await stored('Factoids')).toEqual({ tea: { asked: 1 } })
    expect(await say('ann', '!forget nothing')).toEqual(['I do not know "nothing".'])
    expect(Object.keys(await stored('Factoids'))).toEqual(['tea'])
  })
  test('100 concurrent requests are counted as 100', async () => {
    const { say, stored } = await startTestBot()
    await Promise.all(Array.from({ length: 100 }, () => say('ann', '!tea')))
    expect(await stored('Factoids')).toEqual({ tea: { asked: 100 } })
  })
  test('the name of a command followed by | or > is a factoid', async () => {
    const { say } = await startTestBot()
    const [reply] = await say('ann', '!learn backup = copy it twice')
    expect(reply).toContain('!backup | nick')
    expect(await say('ann', '!backup | bob')).toEqual(['bob: copy it twice'])
    expect(await say('ann', '!backup')).toEqual(['Only an admin may use !backup.'])
  })
  test.each([
    '!learn',
    '!learn x',
    '!learn = y',
    '!learn x =',
    '!learn two words = y',
    '!learn != y',
  ])('nothing is learned from: %s', async (text) => {
    const { say, stored } = await startTestBot()
    expect((await say('ann', text))[0]).toContain('!learn name = text')
    expect(await stored('Factoids')).toEqual({})
  })
  test('a name can be a property of Object.prototype', async () => {
    const { say } = await startTestBot()
    for (const name of ['constructor', 'tostring', 'a__proto__']) {
      expect((await say('ann', `!${name}`))[0]).toContain('I do not know')
      await say('ann', `!learn ${name} = ${name}!`)
      expect(await say('ann', `!${name}`)).toEqual([`${name}!`])
    }
  })
  test('a name with an unpaired surrogate gets an explanation', async () => {
    const { say } = await startTestBot()
    expect(await say('ann', '!tea\ud800')).toEqual([
      'I cannot store that name: it is too long or contains a broken character. Choose another one.',
    ])
    expect((await say('ann', '!learn tea\ud800 = x'))[0]).toContain('a broken character')
    expect((await say('ann', '!learn tea = half \ud800'))[0]).toBe('I will remember "tea".')
  })
})
