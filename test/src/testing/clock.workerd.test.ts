import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { testClock } from '../../../src/testing/clock.ts'
import { objectOf, open, uniqueName } from '../../adapters/durable-object/support/objects.ts'

test('an object in the isolate of the test follows the clock: its alarm removes what has expired', async () => {
  using clock = testClock()
  const namespace = uniqueName()
  const store = await open(namespace)
  await store.set('session', 'open', { ttl: 3_600_000 })
  await store.set('note', 'kept')
  const storedKeys = (): Promise<string[]> =>
    runInDurableObject(objectOf(namespace), (_, { storage }) =>
      [...storage.kv.list({ prefix: 'botshelf/1//:' })].map(([key]) => key.slice(-4)),
    )
  await clock.advance(3_599_999)
  expect(await store.get('session')).toBe('open')
  await runDurableObjectAlarm(objectOf(namespace))
  expect(await storedKeys()).toEqual(['note', 'sion'])
  await clock.advance(1)
  expect(await store.get('session')).toBe(undefined)
  await runDurableObjectAlarm(objectOf(namespace))
  expect(await storedKeys()).toEqual(['note'])
})

test('timers and the time follow the clock, and restore() puts them back', async () => {
  const clock = testClock({ start: 0 })
  const ran: number[] = []
  setTimeout(() => ran.push(Date.now()), 10)
  const since = performance.now()
  await clock.advance(20)
  expect([ran, Date.now(), performance.now() - since]).toEqual([[10], 20, 20])
  clock.restore()
  expect(Date.now()).toBeGreaterThan(1e12)
})
