import { exports } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { open, recordCalls, uniqueName } from './support/objects.ts'

test('100 concurrent requests with a runtime each lose no update', async () => {
  const key = uniqueName()
  const counts = await Promise.all(
    Array.from({ length: 100 }, async () =>
      Number(await (await exports.default.fetch(`http://bot/?key=${key}`)).text()),
    ),
  )
  expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
})

test('a message that the platform delivers twice is applied once', async () => {
  const namespace = uniqueName()
  const { binding } = recordCalls(async (message, call) => {
    if (message.type === 'commit') await call()
    return call()
  })
  const store = await open(namespace, {}, binding)
  let runs = 0
  expect(await store.update('n', (n) => (runs++, ((n ?? 0) as number) + 1))).toBe(1)
  expect(runs).toBe(1)
})
