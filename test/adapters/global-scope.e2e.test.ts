import { expect, onTestFinished, test } from 'vitest'
import { startMiniflare } from '../support/miniflare.ts'

test('a call in the global scope of a Worker rejects with UNAVAILABLE and changes nothing', async () => {
  const entryPoint = new URL('./durable-object/support/global-scope-worker.ts', import.meta.url)
  const worker = await startMiniflare(undefined, entryPoint)
  onTestFinished(() => worker.dispose())
  const response = await worker.dispatchFetch('http://bot/')
  const outcomes = (await response.json()) as Record<string, unknown>
  expect(Object.keys(outcomes)).toHaveLength(20)
  for (const [name, error] of Object.entries(outcomes)) {
    expect(error, name).toMatchObject({
      code: 'UNAVAILABLE',
      outcome: 'not-applied',
      retryable: false,
      message: expect.stringContaining('global scope'),
    })
  }
})
