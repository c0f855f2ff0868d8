import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { type Store, StoreError, type WriteOutcome } from '../../../../src/index.ts'
import type { CallRecord } from '../../../../src/testing/index.ts'
import { readContents } from '../../../histories/run-history.ts'
import { ChaosObject } from '../../../support/worker.ts'
import { open } from './objects.ts'

/** Wraps a binding to record each call that is rejected; `change` can replace a message. */
export function countRejections(
  binding: DurableObjectNamespace,
  change: (message: object) => object = (message) => message,
): { binding: object; rejections: unknown[] } {
  const rejections: unknown[] = []
  const counting = {
    idFromName: (name: string) => binding.idFromName(name),
    get: (id: DurableObjectId) => ({
      call: async (message: object) => {
        const stub = binding.get(id) as unknown as { call(message: object): Promise<unknown> }
        try {
          return await stub.call(change(message))
        } catch (error) {
          rejections.push(error)
          throw error
        }
      },
    }),
  }
  return { binding: counting, rejections }
}

/** Starts an object of the class `ChaosObject` without faults, and reads what it stores. */
export async function readWithoutFaults(
  namespace: string,
): Promise<readonly (readonly [key: string, value: unknown])[]> {
  ChaosObject.plan = {}
  const stub = env.CHAOS.getByName(`botshelf/${namespace}`)
  await runInDurableObject(stub, (_, state) => state.abort('end of the faults')).catch(() => {})
  return readContents(await open(namespace, {}, env.CHAOS))
}

export function countOutcomes(records: readonly CallRecord[], outcome: WriteOutcome): number {
  return records.filter((record) => record.outcome === outcome).length
}

/** Returns a store whose calls run in a store inside an object; functions and listings cannot. */
export function openInside(name: string): Store {
  const call = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    const { result, error } = await (env.HOST.getByName(name) as unknown as HostStub).callStore(
      method,
      args,
    )
    if (error) throw StoreError.from(error)
    return result
  }
  const target = { isOpen: true, close: async () => {} }
  return new Proxy(target, {
    get(_, method) {
      if (method in target) return target[method as 'isOpen']
      // A promise calls `then` of what it resolves to.
      if (typeof method === 'symbol' || method === 'then') return undefined
      return (...args: readonly unknown[]) => call(method, args)
    },
  }) as unknown as Store
}

interface HostStub {
  callStore(
    method: string,
    args: readonly unknown[],
  ): Promise<{ readonly result?: unknown; readonly error?: unknown }>
}
