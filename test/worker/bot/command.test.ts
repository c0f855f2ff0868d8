import { describe, expect, test } from 'vitest'
import { parseName, parseCommand } from '../../../worker/bot/command.ts'
import type { BotMessage, MessageKind } from '../../../worker/bot/message.ts'

function said(text: string, kind: MessageKind = 'message'): BotMessage {
  return {
    room: '#ubuntu',
    nick: 'ann',
    identity: 'irc:ann',
    hasAdminToken: false,
    at: 0,
    kind,
    text,
  }
}

function read(text: string): unknown {
  const call = parseCommand(said(text))
  return call && [call.name, call.separator, call.addressee, call.isFactoid]
}

describe('commands in lines of the real logs', () => {
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

describe('a command', () => {
  test('ignores spaces around it and the case of its name', () => {
    expect(read('  !NVidia|bob ')).toEqual(['nvidia', '|', 'bob', true])
  })
  test('has a name without the punctuation at its end', () => {
    expect(read('!nvidia?')).toEqual(['nvidia', undefined, undefined, false])
  })
  test.each(['hello!', '!', '!!', '! ', '!=', '!:)', '!| bob', '!-v', 'say !nvidia'])(
    'is not in ordinary text: %s',
    (text) => {
      expect(read(text)).toBeUndefined()
    },
  )
  test('has a name of at most 64 characters', () => {
    expect(parseName('a'.repeat(64))).toBe('a'.repeat(64))
    expect(parseName('a'.repeat(65))).toBeUndefined()
  })
  test('has a name that may contain letters beyond ASCII, which keep their case', () => {
    expect(parseName('Ünal')).toBe('Ünal')
  })
  test('is not in an action', () => {
    expect(parseCommand(said('!nvidia', 'action'))).toBeUndefined()
  })
})
