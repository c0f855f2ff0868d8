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
