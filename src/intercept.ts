// Puts a function between the core and the calls to a backend.

import type { OperationKind } from './observe.ts'

export type Method = (...args: unknown[]) => unknown

/** The methods of storages, turns and plugins that call the backend. */
export const KINDS: Readonly<Record<PropertyKey, OperationKind>> = {
  open: 'open',
  close: 'close',
  getMany: 'getMany',
  commit: 'commit',
  transact: 'transact',
  perform: 'perform',
  request: 'turn',
  liveKeys: 'keys',
  entries: 'entries',
  liveLen: 'size',
  clear: 'clear',
  clearPrefix: 'clear',
  namespaces: 'namespaces',
  drop: 'drop',
}
export const LISTINGS: readonly OperationKind[] = ['keys', 'entries', 'namespaces']

const METHODS: readonly string[] = [...Object.keys(KINDS), 'get', 'set', 'remove', 'len', 'keys']

/** Tests whether something has replaced a method of a storage: its other members may bypass that. */
export function isWrapped(storage: object): boolean {
  const methods = storage as Readonly<Record<string, unknown>>
  const prototype = Object.getPrototypeOf(storage) as typeof methods
  return METHODS.some((name) => methods[name] !== prototype[name])
}

/**
 * Returns the same storage, turns or plugin, except that `call` makes its calls to the backend.
 *
 * @param call takes a method, bound to the target, and the arguments of the core
 */
export function intercept<T extends object>(
  target: T,
  call: (kind: OperationKind, method: Method, args: unknown[]) => unknown,
): T {
  /** The function that replaces each method, with the method. */
  const replaced = new Map<PropertyKey, readonly [member: unknown, method: Method]>()
  // Not of the target itself: a proxy must return a frozen method of its target unchanged.
  return new Proxy(Object.create(target) as T, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      const known = replaced.get(name)
      if (known?.[0] === member) return known[1]
      const method = member.bind(target) as Method
      const kind = KINDS[name]
      const replacement: Method = kind ? (...args) => call(kind, method, args) : method
      replaced.set(name, [member, replacement])
      return replacement
    },
  })
}
