import { expect } from 'vitest'
import type { StoreError } from '../../src/index.ts'

/** Returns a promise that never settles. */
export function never(): Promise<never> {
  return new Promise(() => {})
}

/** Resolves to the error that a promise rejects with. Fails the test if it resolves. */
export async function errorOf(promise: Promise<unknown>): Promise<StoreError> {
  return promise.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => error as StoreError,
  )
}
