export type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView

/** The classes of errors that are kept, by name. */
export const ERROR_CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

/** What of an error is kept, and what engines put on errors by themselves. */
export const ERROR_PROPERTY: RegExp =
  /^(?:message|cause|stack|fileName|lineNumber|columnNumber|line|column|sourceURL)$/

/** The built-in class an object belongs to directly, of this realm or another; never a subclass. */
export function builtInName(value: object): string | undefined {
  const prototype: { constructor?: unknown } | null = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return 'Object'
  if (prototype === Array.prototype) return 'Array'
  const Class = prototype.constructor
  // A subclass has a prototype of its own; so has what was made with Object.create.
  if (typeof Class !== 'function' || Class.prototype !== prototype) return undefined
  const { name } = Class
  // The second tells it of another realm, but takes longer.
  return (globalThis as Record<string, unknown>)[name] === Class ||
    /\[native code\]\s*\}$/.test(Function.prototype.toString.call(Class))
    ? name
    : undefined
}

/** An object that is not stored, in words. */
export function describeObject(value: object, name: string | undefined): string {
  if (name === 'Promise') return 'a promise; await it first'
  const own: unknown = name || (value as { constructor?: { name?: unknown } }).constructor?.name
  return typeof own === 'string' && own !== ''
    ? `an instance of ${own}`
    : 'an object with a prototype of its own'
}
