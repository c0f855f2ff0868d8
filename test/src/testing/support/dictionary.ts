// A plain dictionary with the methods of a store, as the documentation describes them.

import * as fc from 'fast-check'
import type { CallAttempt, CallRecord, KeyRead } from '../../../../src/testing/index.ts'

export const KEYS = ['a', 'b', 'c']

/** A call as a store would be given it. */
export interface Call {
  readonly method: (typeof METHODS)[number]
  readonly key: string
  /** The key that `setMany` and `transaction` use too. */
  readonly other: string
}

export const METHODS = [
  'get',
  'getMany',
  'set',
  'delete',
  'setMany',
  'insert',
  'increment',
  'pop',
  'update',
  'transaction',
  'clear',
  'entries',
] as const

export const calls: fc.Arbitrary<Call[]> = fc.array(
  fc.record({
    method: fc.constantFrom(...METHODS),
    key: fc.constantFrom(...KEYS),
    other: fc.constantFrom(...KEYS),
  }),
  { minLength: 1, maxLength: 40 },
)

export type Contents = Map<string, number>
type CallResult = Pick<CallRecord, 'keys' | 'args' | 'result' | 'attempts' | 'isComplete'>

/** Makes a call on a dictionary. Returns what its record has. `id` is a number that no other call writes. */
export function makeCall({ method, key, other }: Call, id: number, contents: Contents): CallResult {
  const value = contents.get(key)
  const keys = [...new Set([key, other])]
  const read = (name: string): KeyRead => {
    const current = contents.get(name)
    return current === undefined ? { key: name } : { key: name, value: current }
  }
  const attempt = (writes: KeyRead[]): CallAttempt => ({
    reads: writes.map(toKey).map(read),
    writes,
  })
  const put = (writes: readonly KeyRead[]): void => {
    for (const each of writes) contents.set(each.key, each.value as number)
  }
  switch (method) {
    case 'get':
      return { keys: [key], args: [key], result: value }
    case 'getMany':
      return { keys: KEYS, args: [KEYS], result: KEYS.map(read).filter((each) => 'value' in each) }
    case 'entries': {
      const result = KEYS.map(read).filter((each) => 'value' in each)
      return { keys: [], args: [], result, isComplete: true }
    }
    case 'set':
      contents.set(key, id)
      return { keys: [key], args: [key, id] }
    case 'delete':
      contents.delete(key)
      return { keys: [key], args: [key] }
    case 'clear':
      contents.clear()
      return { keys: [], args: [] }
    case 'setMany':
      for (const name of keys) contents.set(name, id)
      return { keys, args: [keys.map((name) => [name, id])] }
    case 'insert':
      if (value === undefined) contents.set(key, id)
      return { keys: [key], args: [key, id], result: value === undefined }
    case 'increment':
      contents.set(key, (value ?? 0) + id)
      return { keys: [key], args: [key, id], result: contents.get(key) }
    case 'pop':
      contents.delete(key)
      return { keys: [key], args: [key], result: value }
    case 'update': {
      const attempts = [attempt([{ key, value: (value ?? 0) + id }])]
      put(attempts[0]?.writes ?? [])
      return { keys: [key], args: [key, null], attempts, result: contents.get(key) }
    }
    default: {
      const writes = keys.map((name) => ({ key: name, value: (contents.get(name) ?? 0) + id }))
      const attempts = [attempt(writes)]
      put(writes)
      return { keys, args: [keys, null], attempts }
    }
  }
}

function toKey({ key }: KeyRead): string {
  return key
}
