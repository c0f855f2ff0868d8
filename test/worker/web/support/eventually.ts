import { expect } from 'vitest'

const TIMEOUT_MS = 15_000

/** Starts an expectation that reads the value again until it holds. */
export function eventually<T>(read: () => Promise<T> | T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: TIMEOUT_MS })
}
