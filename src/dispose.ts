/**
 * `Symbol.asyncDispose` as it was when the classes here were made. An engine may lack it, and
 * somebody may add it later; what the classes have stays where it is.
 */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose
