import { expect, test } from 'vitest'
import { watchRejections } from '../../../src/testing/rejections.ts'

test('a rejection that nothing handles is collected once, and one that is handled is not', async () => {
  // Vitest would fail the run.
  const { process } = globalThis as unknown as {
    process: { removeAllListeners(type: string): void }
  }
  process.removeAllListeners('unhandledRejection')
  const rejections = watchRejections()
  try {
    void Promise.reject(new Error('not handled'))
    await Promise.reject(new Error('handled')).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(rejections.take()).toEqual([new Error('not handled')])
    expect(rejections.take()).toEqual([])
  } finally {
    rejections.stop()
  }
})
