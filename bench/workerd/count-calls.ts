import { sleep } from '../../src/async.ts'
import type { Bindings } from './candidate.ts'

export type Counts = Record<string, number>

/**
 * Returns bindings that count the calls which a deployed Worker makes over the network.
 * `takeCounts` returns the counts since its last call.
 *
 * @param latencyMs the time that is added to each call to an object, in milliseconds
 */
export function countCalls(
  bindings: Bindings,
  latencyMs = 0,
): {
  readonly bindings: Bindings
  readonly takeCounts: () => Counts
} {
  let counts: Counts = {}
  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  return {
    bindings: {
      BOT_STORAGE: countMessages(bindings.BOT_STORAGE, count, latencyMs),
      BASELINE: countMessages(bindings.BASELINE, count, latencyMs),
      SELF: bindings.SELF,
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
function countMessages<N extends object>(
  namespace: N,
  count: (name: string) => void,
  latencyMs: number,
): N {
  return new Proxy(namespace, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, target, args)
        const isStub = name === 'get' || name === 'getByName'
        if (!isStub || typeof result !== 'object' || result === null) return result
        return countMethods(result, () => count('RPC'), latencyMs)
      }
    },
  })
}

function countMethods<B extends object>(
  binding: B,
  count: (name: string) => void,
  latencyMs = 0,
): B {
  return new Proxy(binding, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || typeof name !== 'string') return member
      return (...args: unknown[]): unknown => {
        count(name)
        const call = (): unknown => Reflect.apply(member, target, args)
        return latencyMs === 0 ? call() : callSlowly(call, latencyMs)
      }
    },
  })
}

/** Takes half of the time before the call and half after it. */
async function callSlowly(call: () => unknown, latencyMs: number): Promise<unknown> {
  await sleep(latencyMs / 2)
  try {
    return await call()
  } finally {
    await sleep(latencyMs / 2)
  }
}
