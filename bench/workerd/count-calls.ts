import type { Bindings } from './candidate.ts'

export type Counts = Record<string, number>

/**
 * Returns bindings that count the calls which a deployed Worker makes over the network.
 * `takeCounts` returns the counts since its last call.
 */
export function countCalls(bindings: Bindings): {
  readonly bindings: Bindings
  readonly takeCounts: () => Counts
} {
  let counts: Counts = {}
  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  return {
    bindings: {
      BOT_STORAGE: countMessages(bindings.BOT_STORAGE, count),
      BASELINE: countMessages(bindings.BASELINE, count),
      HOST: bindings.HOST,
      KV: countMethods(bindings.KV, (name) => count(`KV ${name}`)),
    },
    takeCounts() {
      const taken = counts
      counts = {}
      return taken
    },
  }
}

/** Counts the calls of every stub. Creating an id or a stub is local and does not count. */
function countMessages<N extends object>(namespace: N, count: (name: string) => void): N {
  return new Proxy(namespace, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, target, args)
        const isStub = name === 'get' || name === 'getByName'
        if (!isStub || typeof result !== 'object' || result === null) return result
        return countMethods(result, () => count('RPC'))
      }
    },
  })
}

function countMethods<B extends object>(binding: B, count: (name: string) => void): B {
  return new Proxy(binding, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || typeof name !== 'string') return member
      return (...args: unknown[]): unknown => {
        count(name)
        return Reflect.apply(member, target, args)
      }
    },
  })
}
