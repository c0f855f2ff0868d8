import { describe, expect, test } from 'vitest'
import { logDate, readLog } from '../../../worker/bot/irc-log.ts'

const DAY = Date.UTC(2007, 9, 24)
const at = (hours: number, minutes: number): number => DAY + (hours * 60 + minutes) * 60_000
const times = (text: string): number[] => [...readLog(text, DAY)].map((event) => event.at)

describe('lines of the real logs', () => {
  test.each([
    [
      '[13:47] <stefg> !backup | luigi',
      { at: at(13, 47), kind: 'message', nick: 'stefg', text: '!backup | luigi' },
    ],
    [
      '[13:56]  * genii sips a coffee',
      { at: at(13, 56), kind: 'action', nick: 'genii', text: 'sips a coffee' },
    ],
    [
      '[14:14] <Matic`Makovec> !sourcomatic | [Milos]',
      { at: at(14, 14), kind: 'message', nick: 'Matic`Makovec', text: '!sourcomatic | [Milos]' },
    ],
    [
      '[14:49] <LjL> !root > fairway_    (fairway_, see)',
      { at: at(14, 49), kind: 'message', nick: 'LjL', text: '!root > fairway_    (fairway_, see)' },
    ],
    [
      '=== MTeck|Away is now known as MTecknology',
      { at: DAY, kind: 'nick', nick: 'MTeck|Away', text: 'MTecknology' },
    ],
  ])('%s', (line, event) => {
    expect([...readLog(`${line}\n`, DAY)]).toEqual([event])
  })
  test('topics, joins and other lines are skipped', () => {
    const text =
      '=== LjL changed the topic of #ubuntu to: a is now known as b\n=== bob [n=bob@x] has joined #ubuntu\n\n[99:99] <a> b\n[1:02] <a> b\nhello\n'
    expect([...readLog(text, DAY)]).toEqual([])
  })
})

describe('times', () => {
  test('a change of nick has the time of the line before it', () => {
    const text = '[13:47] <a> x\n=== a is now known as b\n[13:48] <b> y'
    expect(times(text)).toEqual([at(13, 47), at(13, 47), at(13, 48)])
  })
  test('the date advances at each midnight', () => {
    const text = '[23:59] <a> x\r\n[00:00] <a> y\r\n[23:58] <a> z\r\n[00:01] <a> z\r\n'
    expect(times(text)).toEqual([at(23, 59), at(24, 0), at(47, 58), at(48, 1)])
  })
  test('a clock that goes back a little has not passed midnight', () => {
    expect(times('[13:47] <a> x\n[13:46] <a> y')).toEqual([at(13, 47), at(13, 46)])
  })
  test('the date is read from the name of the file', () => {
    expect(logDate('2007-10-24.train-c.txt')).toBe(DAY)
    expect(logDate('ubuntu-2007-10-24.log')).toBe(DAY)
    for (const name of ['ubuntu.log', '2007-02-31.txt', '2007-13-01.txt', '12007-10-241.txt']) {
      expect(logDate(name)).toBeUndefined()
    }
  })
})
