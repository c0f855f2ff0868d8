import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LocalTurns, type Turn } from '../../../src/index.ts'
import { microtasks } from './model-store.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Requests a turn, and logs its name when it starts. */
function request(turns: LocalTurns, name: string, keys: readonly string[], log: string[]): Asked {
  const asked: Asked = { turn: undefined }
  const wait = async (): Promise<void> => {
    asked.turn = await turns.request(keys, 1000)
    log.push(name)
  }
  void wait()
  return asked
}
interface Asked {
  turn: Turn | undefined
}

describe('LocalTurns', () => {
  test('grants the turns on a key one at a time, in the order of the requests', async () => {
    const turns = new LocalTurns()
    const log: string[] = []
    const asked = ['one', 'two', 'three'].map((name) => request(turns, name, ['k'], log))
    await microtasks()
    expect(log).toEqual(['one'])
    asked[0]?.turn?.release()
    await microtasks()
    expect(log).toEqual(['one', 'two'])
    asked[1]?.turn?.release()
    await microtasks()
    expect(log).toEqual(['one', 'two', 'three'])
  })

  test('grants turns on other keys at once', async () => {
    const turns = new LocalTurns()
    const log: string[] = []
    request(turns, 'k', ['k'], log)
    request(turns, 'other', ['other'], log)
    await microtasks()
    expect(log).toEqual(['k', 'other'])
  })

  test('grants a turn on several keys when all of them are free, and no two requests wait for each other', async () => {
    const turns = new LocalTurns()
    const log: string[] = []
    const a = request(turns, 'a', ['a'], log)
    const ab = request(turns, 'a and b', ['a', 'b'], log)
    const ba = request(turns, 'b and a', ['b', 'a'], log)
    await microtasks()
    expect(log).toEqual(['a'])
    a.turn?.release()
    await microtasks()
    expect(log).toEqual(['a', 'a and b'])
    ab.turn?.release()
    await microtasks()
    expect(log).toEqual(['a', 'a and b', 'b and a'])
    ba.turn?.release()
    expect(turns.hasContention).toBe(false)
  })

  test('ends a turn whose lease ends, which has lapsed then', async () => {
    const turns = new LocalTurns()
    const turn = await turns.request(['k'], 250)
    const log: string[] = []
    const next = request(turns, 'next', ['k'], log)
    await vi.advanceTimersByTimeAsync(249)
    expect([log, turn.hasLapsed]).toEqual([[], false])
    await vi.advanceTimersByTimeAsync(1)
    expect([log, turn.hasLapsed]).toEqual([['next'], true])
    // A late release does not end the turn of another.
    turn.release()
    expect(turns.isContended('k')).toBe(true)
    next.turn?.release()
    expect(next.turn?.hasLapsed).toBe(false)
  })

  test('a key is contended from a request to the end of the last turn', async () => {
    const turns = new LocalTurns()
    expect([turns.hasContention, turns.isContended('k')]).toEqual([false, false])
    const first = turns.request(['k'], 1000)
    const second = turns.request(['k'], 1000)
    expect([turns.isContended('k'), turns.isContended('other')]).toEqual([true, false])
    ;(await first).release()
    expect(turns.isContended('k')).toBe(true)
    ;(await second).release()
    expect([turns.hasContention, turns.isContended('k')]).toEqual([false, false])
    expect(vi.getTimerCount()).toBe(0)
  })
})
