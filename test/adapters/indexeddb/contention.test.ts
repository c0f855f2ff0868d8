import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Contention } from '../../../adapters/indexeddb/contention.ts'

function openTwo(): readonly [Contention, Contention, name: string] {
  const name = randomUUID()
  const both = [new Contention(name), new Contention(name)] as const
  onTestFinished(() => both.forEach((contention) => contention.close()))
  return [...both, name]
}

const keys = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

test('a key that another tab announced is contended for 2.5 seconds', async () => {
  const [sender, receiver] = openTwo()
  sender.announce(['a'])
  await vi.waitFor(() => expect(receiver.isContended('a')).toBe(true))
  const start = performance.now()
  expect(receiver.hasContention).toBe(true)
  expect(receiver.isContended('b')).toBe(false)
  expect(sender.hasContention).toBe(false)
  await vi.waitFor(() => expect(receiver.hasContention).toBe(false), { timeout: 5000 })
  expect(receiver.isContended('a')).toBe(false)
  expect(performance.now() - start).toBeGreaterThan(2200)
})

test('at most 1,000 keys are contended, and keys beyond them are not announced', async () => {
  const [sender, receiver] = openTwo()
  const all = keys(1500, 'k')
  sender.announce(all)
  await vi.waitFor(() => expect(receiver.hasContention).toBe(true))
  expect(all.filter((key) => receiver.isContended(key))).toEqual(all.slice(0, 1000))
})

test('a message of other software or with too many keys is ignored or cut', async () => {
  const [, receiver, name] = openTwo()
  const channel = new BroadcastChannel(`botshelf-turns:${name}`)
  onTestFinished(() => channel.close())
  const messages: unknown[] = [
    undefined,
    null,
    7,
    [],
    { v: 2, turns: ['a'] },
    { v: 1, turns: 'a' },
    { v: 1, turns: [7, ...keys(1500, 'k')] },
    { v: 1, turns: ['last'] },
  ]
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the rule is for windows; postMessage() of a BroadcastChannel takes no origin
  for (const message of messages) channel.postMessage(message)
  await vi.waitFor(() => expect(receiver.isContended('k999')).toBe(true))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(['a', 'k1000', 'last'].map((key) => receiver.isContended(key))).toEqual([
    false,
    false,
    false,
  ])
})

test('a key is announced again only after a while, however often it is requested', async () => {
  const [sender, , name] = openTwo()
  const channel = new BroadcastChannel(`botshelf-turns:${name}`)
  onTestFinished(() => channel.close())
  const messages: unknown[] = []
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => messages.push(data))
  const end = performance.now() + 600
  while (performance.now() < end) {
    sender.announce(['a'])
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await vi.waitFor(() => expect(messages).toHaveLength(2))
})
