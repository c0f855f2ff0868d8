import { describe, expect, test } from 'vitest'
import { commandName, readCommand } from '../../../worker/bot/call.ts'
import type { BotMessage, MessageKind } from '../../../worker/bot/message.ts'

function said(text: string, kind: MessageKind = 'message'): BotMessage {
  return { room: '#ubuntu', nick: 'ann', identity: 'irc:ann', operator: false, at: 0, kind, text }
}

function read(text: string): unknown {
  const call = readCommand(said(text))
  return call && [call.name, call.mark, call.to, call.direct]
}

describe('calls as people write them: lines of the real logs', () => {
  test.each([
    ['!cli | yuan', ['cli', '|', 'yuan', true]],
    ['!partitons', ['partitons', undefined, undefined, false]],
    ['! nvidia | heatman', ['nvidia', '|', 'heatman', true]],
    ['!fixres > Jalazmi (read the private message from ubotu)', ['fixres', '>', 'Jalazmi', true]],
    ['!udev rules | feklee', ['udev', '|', 'feklee', false]],
    ['!sourcomatic | [Milos]', ['sourcomatic', '|', '[Milos]', true]],
    ['!install | ben--', ['install', '|', 'ben--', true]],
    ['!root > fairway_    (fairway_, see the private message)', ['root', '>', 'fairway_', true]],
    ['!ask ! satan_', ['ask', undefined, undefined, false]],
    ['!webcam | boyet, check those out', ['webcam', '|', 'boyet', true]],
    ['!info build-essential', ['info', undefined, undefined, false]],
    ['!ppa  | sreeju', ['ppa', '|', 'sreeju', true]],
    ['!ask | arc\\dchoille', ['ask', '|', 'arc\\dchoille', true]],
    ['!automate | srini sorry for the previous spam', ['automate', '|', 'srini', true]],
    ['!sound | Time`s_Witness', ['sound', '|', 'Time`s_Witness', true]],
    ['! coachj | #ubunut+1', ['coachj', '|', undefined, true]],
    ['!dpkg-buildpackage', ['dpkg-buildpackage', undefined, undefined, false]],
  ])('%s', (text, call) => {
    expect(read(text)).toEqual(call)
  })
})

describe('what is a call', () => {
  test('blanks around a call do not matter, nor does the case of its letters', () => {
    expect(read('  !NVidia|bob ')).toEqual(['nvidia', '|', 'bob', true])
  })
  test('punctuation at the end of a name is no part of it', () => {
    expect(read('!nvidia?')).toEqual(['nvidia', undefined, undefined, false])
  })
  test.each(['hello!', '!', '!!', '! ', '!=', '!:)', '!| bob', '!-v', 'say !nvidia'])(
    'talk, and no call: %s',
    (text) => {
      expect(read(text)).toBeUndefined()
    },
  )
  test('a name has at most 64 characters', () => {
    expect(commandName('a'.repeat(64))).toBe('a'.repeat(64))
    expect(commandName('a'.repeat(65))).toBeUndefined()
  })
  test('letters beyond ASCII make a name, and keep their case', () => {
    expect(commandName('Ünal')).toBe('Ünal')
  })
  test('an action is no call', () => {
    expect(readCommand(said('!nvidia', 'action'))).toBeUndefined()
  })
})
