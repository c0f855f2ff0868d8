import type { Bindings } from './candidate.ts'

export type Counts = Record<string, number>

/** The same bindings, which count what is asked of them over the network; `take` gives it and starts anew. */
export function countCalls(bindings: Bindings): {
  readonly bindings: Bindings
  readonly take: () => Counts
} {
  let counts: Counts = {}
  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  return {
    bindings: {
      BOT_STORAGE: objects(bindings.BOT_STORAGE, count),
      BASELINE: objects(bindings.BASELINE, count),
      HOST: bindings.HOST,
      KV: calls(bindings.KV, (name) => count(`KV ${name}`)),
    },
    take() {
      const taken = counts
      counts = {}
      return taken
    },
  }
}

// Naming an object and taking its stub is local; every call of the stub is a message.
function objects<N extends object>(namespace: N, count: (name: string) => void): N {
  return new Proxy(namespace, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...given: unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, target, given)
        const isStub = name === 'get' || name === 'getByName'
        if (!isStub || typeof result !== 'object' || result === null) return result
        return calls(result, () => count('RPC'))
      }
    },
  })
}

function calls<B extends object>(binding: B, count: (name: string) => void): B {
  return new Proxy(binding, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || typeof name !== 'string') return member
      return (...given: unknown[]): unknown => {
        count(name)
        return Reflect.apply(member, target, given)
      }
    },
  })
}
