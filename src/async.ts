/** A promise and the function that resolves it. */
export interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

/** `Promise.withResolvers` for engines that lack it, Node 20 for one. */
export function deferred(): Deferred {
  let resolve: () => void = noop
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

export function noop(): void {}

/** Resolves after so many milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Waits a random time of at most 64 ms: one that has lost often has the same chance as a new one. */
export function backoff(conflicts: number): Promise<void> {
  return sleep(Math.random() * Math.min(2 ** (conflicts - 1), 64))
}

/** Resolves after at least as many microtasks as an async function that awaits nothing. */
export async function fewMicrotasks(): Promise<void> {
  for (let count = 0; count < 3; count++) await Promise.resolve()
}
