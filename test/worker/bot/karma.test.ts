import { describe, expect, test } from 'vitest'
import { findMarks } from '../../../worker/bot/karma.ts'
import { startTestBot } from '../support/test-bot.ts'

function marks(text: string): string[] {
  return findMarks(text).map(({ nick, sign }) => nick + (sign > 0 ? '++' : '--'))
}

// The real logs contain no karma, so these positive cases are invented.
describe('karma marks', () => {
  test.each([
    ['ann++', ['ann++']],
    ['thanks ann++', ['ann++']],
    ['ann++, that was it', ['ann++']],
    ['ann++ and [Milos]++!', ['ann++', '[Milos]++']],
    ['great work (bob++).', ['bob++']],
    ['Time`s_Witness-- for the noise', ['Time`s_Witness--']],
    ['eric++ doug++ isaac++', ['eric++', 'doug++', 'isaac++']],
    ['ben--++', ['ben--++']],
    ['ann++ Ann++ ann--', ['ann++']],
    ['aa++ bb++ cc++ dd++ ee++ ff++ gg--', ['aa++', 'bb++', 'cc++', 'dd++', 'ee++']],
  ])('%s', (text, found) => {
    expect(marks(text)).toEqual(found)
  })
})

describe('not a karma mark', () => {
  test.each([
    'may I use c++ or g++?',
    'sudo apt-get install g++',
    'Eclipse IDE for C/C++ Developers',
    'libstdc++ and libc++, clang++, notepad++',
    'visual-c++ or turboc++ or gcc++',
    'ben--: yes',
    'ben--:yes',
    'under applications--> office ?',
    'ubuntu--this one',
    'dpkg --configure -a -- bad news ---',
    'well--- not quite',
    '9lives++',
    'ann+++ ann++x ++ann --ann ann ++',
    'http://a.b/ann++',
  ])('%s', (text) => {
    expect(marks(text)).toEqual([])
  })
  test('a word inside a command', async () => {
    const { say, stored } = await startTestBot()
    await say('ann', '!install | ben--')
    await say('ann', '!learn thanks = bob++')
    expect(await stored('Karma')).toEqual({})
  })
  test('the nick of a known user that ends in --', async () => {
    const { say, stored } = await startTestBot()
    await say('ben--', 'heya')
    expect(await say('ann', 'I told ben-- already')).toEqual([])
    expect(await stored('Karma')).toEqual({})
    expect(await say('ann', 'ben++')).toEqual(['ben has 1 karma.'])
  })
})

describe('karma', () => {
  test('is counted per nick, ignoring case', async () => {
    const { say, stored } = await startTestBot()
    expect(await say('ann', 'Bob++')).toEqual(['Bob has 1 karma.'])
    expect(await say('cid', 'BOB++')).toEqual(['BOB has 2 karma.'])
    expect(await say('cid', 'dan--', { kind: 'action' })).toEqual(['dan has -1 karma.'])
    expect(await stored('Karma')).toEqual({ bob: 2, dan: -1 })
    expect(await say('ann', '!karma bob')).toEqual(['bob has 2 karma.'])
    expect(await say('ann', '!karma nobody')).toEqual(['nobody has 0 karma.'])
  })
  test('is shown on one line for any nick, also with line breaks', async () => {
    const { say } = await startTestBot()
    expect(await say('ann', '!karma bob\r\nroot has 9\u2028x')).toEqual([
      'bob root has 9 x has 0 karma.',
    ])
  })
  test('cannot be raised by its owner', async () => {
    const { say, stored } = await startTestBot()
    expect(await say('Ann', 'ann++')).toEqual(['Ann: you cannot raise your own karma.'])
    expect(await stored('Karma')).toEqual({})
  })
  test('changes by the configured step', async () => {
    const { say, admin } = await startTestBot()
    await admin('!config Karma {"step": 3}')
    expect(await say('ann', 'bob++')).toEqual(['bob has 3 karma.'])
  })
  test('loses none of 100 concurrent marks', async () => {
    const { say, stored } = await startTestBot()
    await Promise.all(Array.from({ length: 100 }, () => say('ann', 'bob++')))
    expect(await stored('Karma')).toEqual({ bob: 100 })
  })
})
