/** A promise with the function that resolves it. */
export interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

/** Creates a {@link Deferred}; `Promise.withResolvers` is missing in Node 20 and older browsers. */
export function deferred(): Deferred {
  let resolve: () => void = noop
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

export function noop(): void {}

/** Resolves after `ms` milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * `Symbol.asyncDispose` at the time this module loaded, when the classes here took their methods.
 * Where the engine lacks it, a polyfill may define it later, and those methods keep the old name.
 */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose
