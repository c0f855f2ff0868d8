/** A promise with the function that resolves it. */
interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

/** Creates a promise with its `resolve`, as `Promise.withResolvers` does in newer engines. */
export function deferred(): Deferred {
  let resolve: () => void = noop
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Does nothing. */
export function noop(): void {}

/** What may be known already. */
export type MaybePromise<T> = T | Promise<T>

/** Works like `.then`, but synchronously for a value that is not a promise. */
export function thenSync<A, B>(value: A | PromiseLike<A>, finish: (value: A) => B): B | Promise<B> {
  return isThenable(value) ? Promise.resolve(value).then(finish) : finish(value)
}

function isThenable<A>(value: A | PromiseLike<A>): value is PromiseLike<A> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

/** Resolves after `ms` milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * `Symbol.asyncDispose` at the time this module loaded, when the classes here took their methods.
 * Where the engine lacks it, a polyfill may define it later, and those methods keep the old name.
 */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose

/** Waits a random time of at most 64 ms: one that has lost often has the same chance as a new one. */
export function backoff(conflicts: number): Promise<void> {
  return sleep(Math.random() * Math.min(2 ** (conflicts - 1), 64))
}

/** Resolves after at least as many microtasks as an async function that awaits nothing. */
export async function fewMicrotasks(): Promise<void> {
  for (let count = 0; count < 3; count++) await Promise.resolve()
}
