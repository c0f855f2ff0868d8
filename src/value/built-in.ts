/** The constructor of a typed array or a `DataView`. */
export type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView

/** The error classes that can be stored. Look up an untrusted name with `Object.hasOwn`. */
export const ERROR_CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

/** Matches the properties that a storable error may own: what is stored, and what engines add. */
export const ERROR_PROPERTY: RegExp =
  /^(?:message|cause|stack|fileName|lineNumber|columnNumber|line|column|sourceURL)$/

/**
 * Returns the name of the built-in class that an object is a direct instance of, in this realm or
 * another; `undefined` for an instance of any other class, a subclass included.
 */
export function builtInName(value: object): string | undefined {
  const prototype: { constructor?: unknown } | null = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return 'Object'
  if (prototype === Array.prototype) return 'Array'
  const Class = prototype.constructor
  // A prototype that Object.create() made inherits `constructor` from the one above it.
  if (typeof Class !== 'function' || Class.prototype !== prototype) return undefined
  const { name } = Class
  // The source text also recognizes a class of another realm, but reading it is slower.
  return (globalThis as Record<string, unknown>)[name] === Class ||
    /\[native code\]\s*\}$/.test(Function.prototype.toString.call(Class))
    ? name
    : undefined
}

/** Describes an object for an error message, given its {@link builtInName}. */
export function describeObject(value: object, name: string | undefined): string {
  if (name === 'Promise') return 'a promise; await it first'
  const own: unknown = name || (value as { constructor?: { name?: unknown } }).constructor?.name
  return typeof own === 'string' && own !== ''
    ? `an instance of ${own}`
    : 'an object with a prototype of its own'
}
