import { describe, expect, test } from 'vitest'
import { NOON, startTestBot } from '../support/test-bot.ts'

describe('factoids', () => {
  test('what is learned is told, to a nick if one is named', async () => {
    const { say } = await startTestBot()
    await say('ann', '!learn nvidia = see the wiki')
    expect(await say('bob', '!nvidia')).toEqual(['see the wiki'])
    expect(await say('bob', '!nvidia | cid')).toEqual(['cid: see the wiki'])
    expect(await say('bob', '!nvidia > cid, look')).toEqual([
      'cid: see the wiki (for cid, from bob)',
    ])
    expect(await say('bob', '!nvidia | me')).toEqual(['bob: see the wiki'])
  })
  test('every call counts, whether the factoid is known or not', async () => {
    const { say, stored } = await startTestBot()
    expect((await say('ann', '!nvidia | bob'))[0]).toContain('I do not know "nvidia"')
    await say('ann', '!learn nvidia = a=b | c')
    await say('ann', '!NVIDIA?')
    const by = 'web:ann'
    expect(await stored('Factoids')).toEqual({
      nvidia: { asked: 2, text: 'a=b | c', by, at: NOON },
    })
  })
  test('what is forgotten is not told, but still counted', async () => {
    const { say, stored } = await startTestBot()
    await say('ann', '!learn tea = left')
    await say('ann', '!tea')
    expect(await say('ann', '!forget tea')).toEqual(['I forgot "tea".'])
    expect(await say('ann', '!forget tea')).toEqual(['I do not know "tea".'])
    expect(await stored('Factoids')).toEqual({ tea: { asked: 1 } })
    expect(await say('ann', '!forget nothing')).toEqual(['I do not know "nothing".'])
    expect(Object.keys(await stored('Factoids'))).toEqual(['tea'])
  })
  test('100 calls at once are 100 calls', async () => {
    const { say, stored } = await startTestBot()
    await Promise.all(Array.from({ length: 100 }, () => say('ann', '!tea')))
    expect(await stored('Factoids')).toEqual({ tea: { asked: 100 } })
  })
  test('a command with | or > behind it is a factoid of that name', async () => {
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
  test('a name can be a word that JavaScript gives a meaning', async () => {
    const { say } = await startTestBot()
    for (const name of ['constructor', 'tostring', 'a__proto__']) {
      expect((await say('ann', `!${name}`))[0]).toContain('I do not know')
      await say('ann', `!learn ${name} = ${name}!`)
      expect(await say('ann', `!${name}`)).toEqual([`${name}!`])
    }
  })
  test('a name with half a character gets a sentence', async () => {
    const { say } = await startTestBot()
    expect(await say('ann', '!tea\ud800')).toEqual([
      'I cannot keep anything under that name: it is too long or holds half a character.',
    ])
    expect((await say('ann', '!learn tea\ud800 = x'))[0]).toContain('half a character')
    expect((await say('ann', '!learn tea = half \ud800'))[0]).toBe('I will remember "tea".')
  })
})
