import { expect, onTestFinished, test, vi } from 'vitest'
import { ChangeBroadcast } from '../../../adapters/indexeddb/change-broadcast.ts'
import { replaceMethod } from './support/replace-method.ts'

/** Returns a function that announces a write, and the messages that are sent. */
function startBroadcast() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const messages: unknown[] = []
  onTestFinished(
    replaceMethod(
      BroadcastChannel.prototype,
      'postMessage',
      () => (message: unknown) => void messages.push(message),
    ),
  )
  const broadcast = new ChangeBroadcast(crypto.randomUUID(), async () => [])
  onTestFinished(() => broadcast.close())
  const announce = (key: string): (() => void) => broadcast.announce([{ kind: 'set', key }])
  return { announce, messages }
}

test('writes in close succession share two messages, the second 10 ms after the last of them', () => {
  const { announce, messages } = startBroadcast()
  for (const key of ['a', 'b', 'c']) {
    announce(key)()
    vi.advanceTimersByTime(7)
  }
  vi.advanceTimersByTime(2)
  expect(messages).toMatchObject([{ changes: true }])
  vi.advanceTimersByTime(1)
  expect(messages).toMatchObject([{ changes: true }, { done: ['a', 'b', 'c'] }])
})

test('a burst does not end while one of its writes is unsettled', () => {
  const { announce, messages } = startBroadcast()
  announce('a')()
  const settle = announce('b')
  vi.advanceTimersByTime(50)
  expect(messages).toHaveLength(1)
  settle()
  vi.advanceTimersByTime(10)
  expect(messages).toMatchObject([{ changes: true }, { done: ['a', 'b'] }])
})

test('a write after the end of a burst begins another one', () => {
  const { announce, messages } = startBroadcast()
  for (const key of ['a', 'b']) {
    announce(key)()
    vi.advanceTimersByTime(10)
  }
  expect(messages).toMatchObject([
    { changes: true },
    { done: ['a'] },
    { changes: true },
    { done: ['b'] },
  ])
})

test('writes in close succession set few timers', () => {
  const { announce } = startBroadcast()
  const setTimer = vi.spyOn(globalThis, 'setTimeout')
  for (let count = 0; count < 40; count++) {
    announce('a')()
    vi.advanceTimersByTime(1)
  }
  expect(setTimer.mock.calls.length).toBeLessThanOrEqual(10)
})
