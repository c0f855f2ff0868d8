import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { memory } from '../../../adapters/memory.ts'
import { sleep } from '../../../src/async.ts'
import { LeasedTurn } from '../../../src/turns.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { type TestClock, testClock } from '../../../src/testing/clock.ts'
import { MinimalStoragePlugin } from '../../support/minimal-plugin.ts'

const START = Date.UTC(2026, 0, 1)
const NAMES = ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval']
const readGlobals = (): unknown[] =>
  NAMES.map((name) => Object.getOwnPropertyDescriptor(globalThis, name))
const REAL = readGlobals()
const clocks: TestClock[] = []

function startClock(): TestClock {
  const clock = testClock({ start: START })
  clocks.push(clock)
  return clock
}

afterEach(() => {
  for (const clock of clocks.splice(0)) clock.restore()
})

describe('the time', () => {
  test('stands still until advance() moves it', async () => {
    const clock = startClock()
    const since = performance.now()
    expect([clock.now(), Date.now(), new Date().getTime()]).toEqual([START, START, START])
    await clock.advance(1500)
    expect([clock.now(), Date.now(), new Date().getTime()]).toEqual(Array(3).fill(START + 1500))
    expect(performance.now() - since).toBe(1500)
  })

  test('starts with the real time unless `start` is given', () => {
    const before = Date.now()
    const clock = testClock()
    clocks.push(clock)
    const time = clock.now()
    clock.restore()
    expect(time).toBeGreaterThanOrEqual(before)
    expect(time).toBeLessThanOrEqual(Date.now())
  })

  test('does not change dates that are created from a time', () => {
    startClock()
    const date = new Date(2020, 1, 2)
    expect(date.getFullYear()).toBe(2020)
    expect(date).toBeInstanceOf(Date)
    expect(new Date(5).getTime()).toBe(5)
    expect(Date.UTC(2026, 0, 1)).toBe(START)
    expect(Date()).toBe(new Date(START).toString())
  })
})

describe('advance()', () => {
  test('runs timers in the order of their times, each at its own time', async () => {
    const clock = startClock()
    const ran: string[] = []
    const note = (name: string) => () => void ran.push(`${name} ${clock.now() - START}`)
    setTimeout(note('c'), 30)
    setTimeout(note('a'), 10)
    setTimeout(note('b'), 10)
    const interval = setInterval(note('i'), 12)
    await clock.advance(29)
    expect(ran).toEqual(['a 10', 'b 10', 'i 12', 'i 24'])
    clearInterval(interval)
    await clock.advance(1)
    expect(ran.slice(4)).toEqual(['c 30'])
  })

  test('lets promises settle after each timer, and runs the timers that they set', async () => {
    const clock = startClock()
    const ran: number[] = []
    const work = (async () => {
      for (let step = 0; step < 3; step++) {
        await sleep(10)
        for (let count = 0; count < 50; count++) await Promise.resolve()
        ran.push(clock.now() - START)
      }
    })()
    setTimeout(() => ran.push(-15), 15)
    await clock.advance(30)
    expect(ran).toEqual([10, -15, 20, 30])
    await work
  })

  test('lets code that already runs set its timers first', async () => {
    const clock = startClock()
    let hasRun = false
    const work = (async () => {
      for (let count = 0; count < 50; count++) await Promise.resolve()
      await sleep(10)
      hasRun = true
    })()
    await clock.advance(10)
    expect(hasRun).toBe(true)
    await work
  })

  test('does not run what is not due, what was cleared, and nothing twice', async () => {
    const clock = startClock()
    const ran: string[] = []
    const cleared = setTimeout(() => ran.push('cleared'), 5)
    setTimeout(() => ran.push('later'), 10)
    clearTimeout(cleared)
    await clock.advance(9)
    expect(ran).toEqual([])
    expect(clock.timerCount).toBe(1)
    await clock.advance(1)
    await clock.advance(100)
    expect(ran).toEqual(['later'])
    expect(clock.timerCount).toBe(0)
  })

  test('passes the arguments of setTimeout()', async () => {
    const clock = startClock()
    const received: unknown[] = []
    setTimeout((...args: unknown[]) => received.push(...args), 1, 'a', 2)
    await clock.advance(1)
    expect(received).toEqual(['a', 2])
  })

  test('calls that overlap add up', async () => {
    const clock = startClock()
    const ran: number[] = []
    setTimeout(() => ran.push(clock.now() - START), 15)
    await Promise.all([clock.advance(10), clock.advance(10)])
    expect(ran).toEqual([15])
    expect(clock.now()).toBe(START + 20)
  })

  test('rejects with what a timer throws, and can go on', async () => {
    const clock = startClock()
    const ran: string[] = []
    setTimeout(() => {
      throw new TypeError('mistake')
    }, 1)
    setTimeout(() => ran.push('next'), 2)
    await expect(clock.advance(5)).rejects.toThrow('mistake')
    await clock.advance(5)
    expect(ran).toEqual(['next'])
  })

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e300, '5' as unknown as number])(
    'rejects %s as INVALID_VALUE',
    async (ms) => {
      await expect(startClock().advance(ms)).rejects.toMatchObject({ code: 'INVALID_VALUE' })
    },
  )
})

describe('advanceUntil()', () => {
  test('resolves to the value of a promise that waits for timers and for I/O', async () => {
    const clock = startClock()
    const work = (async () => {
      await sleep(5)
      const text = await readFile(new URL(import.meta.url), 'utf8')
      await sleep(20)
      return text.length
    })()
    expect(await clock.advanceUntil(work)).toBeGreaterThan(100)
    expect(clock.now() - START).toBeGreaterThanOrEqual(25)
  })

  test('rejects with the error of the promise, and moves no further than needed', async () => {
    const clock = startClock()
    const failing = sleep(7).then(() => {
      throw new TypeError('mistake')
    })
    await expect(clock.advanceUntil(failing)).rejects.toThrow('mistake')
    expect(clock.now() - START).toBe(7)
    await clock.advanceUntil(Promise.resolve())
    expect(clock.now() - START).toBe(7)
  })

  test.each([undefined, null, 5, {}])('rejects %s, which is no promise', async (value) => {
    await expect(startClock().advanceUntil(value as never)).rejects.toMatchObject({
      code: 'INVALID_VALUE',
    })
  })
})

test.each([{ start: 'now' }, { start: 1e300 }, { start: Number.NaN }, { begin: 5 }])(
  'options %j are INVALID_VALUE, and nothing is replaced',
  (options) => {
    expect(() => testClock(options as object)).toThrow(
      expect.objectContaining({ code: 'INVALID_VALUE' }),
    )
    expect(readGlobals()).toEqual(REAL)
  },
)

describe('restore()', () => {
  test('puts every global back as it was', async () => {
    {
      using clock = testClock()
      await clock.advance(5)
    }
    expect(readGlobals()).toEqual(REAL)
    expect(Object.hasOwn(performance, 'now')).toBe(false)
  })

  test('drops timers that wait, and a later clearTimeout() of one clears no other timer', async () => {
    const clock = startClock()
    let hasRun = false
    const timer = setTimeout(() => (hasRun = true), 1)
    // The numbers of real timers are positive.
    expect(Number(timer)).toBeLessThan(0)
    clock.restore()
    const real = new Promise((resolve) => setTimeout(resolve, 5, 'real'))
    clearTimeout(timer)
    expect(await real).toBe('real')
    await clock.advance(10)
    expect(hasRun).toBe(false)
  })

  test('timers from before the clock stay with the platform', async () => {
    let hasRun = false
    const cleared = setTimeout(() => (hasRun = true), 5)
    const waiting = new Promise((resolve) => setTimeout(resolve, 10, 'real'))
    startClock()
    clearTimeout(cleared)
    expect(await waiting).toBe('real')
    expect(hasRun).toBe(false)
  })

  test('with two clocks, restoring the second one leaves the first one in use', async () => {
    const first = startClock()
    const second = testClock({ start: 0 })
    expect(Date.now()).toBe(0)
    second.restore()
    expect(Date.now()).toBe(START)
    await first.advance(1)
    expect(Date.now()).toBe(START + 1)
  })
})

test('a timer has the methods of a timer of Node', async () => {
  const clock = startClock()
  const ran: string[] = []
  const timer = setTimeout(() => ran.push('refreshed'), 10)
  expect(timer.unref().ref().hasRef()).toBe(true)
  await clock.advance(9)
  setTimeout(() => ran.push('other'), 10)
  timer.refresh()
  await clock.advance(9)
  expect(ran).toEqual([])
  await clock.advance(1)
  expect(ran).toEqual(['other', 'refreshed'])
})

describe('botshelf follows the clock', () => {
  test('an entry expires at its ttl, to the millisecond, and is freed', async () => {
    const clock = startClock()
    const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
    const store = await runtime.open<Record<string, string>>('sessions')
    await store.set('ann', 'open', { ttl: 3_600_000 })
    await clock.advance(3_599_999)
    expect(await store.get('ann')).toBe('open')
    await clock.advance(1)
    expect(await store.get('ann')).toBe(undefined)
    await runtime.close()
    expect(clock.timerCount).toBe(0)
  })

  test('a call that is never answered is TIMEOUT at the time limit', async () => {
    const clock = startClock()
    const plugin = new MinimalStoragePlugin({})
    const open = plugin.open.bind(plugin)
    plugin.open = async (namespace) => {
      const storage = await open(namespace)
      storage.getMany = () => new Promise(() => {})
      return storage
    }
    const runtime = new StorageRuntime(plugin, { operationTimeout: 5000 })
    const store = await runtime.open('ns')
    let code: string | undefined
    store.get('a').catch((error: { code: string }) => (code = error.code))
    await clock.advance(4999)
    expect(code).toBe(undefined)
    await clock.advance(1)
    expect(code).toBe('TIMEOUT')
    await runtime.close()
    expect(clock.timerCount).toBe(0)
  })

  test('the lease of a turn ends', async () => {
    const clock = startClock()
    const turn = new LeasedTurn(10_000, () => {})
    await clock.advance(9999)
    expect(turn.hasLapsed).toBe(false)
    await clock.advance(1)
    expect(turn.hasLapsed).toBe(true)
  })
})
