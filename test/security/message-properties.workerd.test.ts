import { runInDurableObject } from 'cloudflare:test'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { PROTOCOL_VERSION, type RpcMessage } from '../../adapters/durable-object/protocol.ts'
import type { StorageObject } from '../../adapters/storage-object.ts'
import { isStoreError, StoreError } from '../../src/index.ts'
import { objectOf, uniqueName } from '../adapters/durable-object/support/objects.ts'
import {
  type Message,
  validMessages,
  writeMessage,
} from '../adapters/durable-object/support/messages.ts'
import { withReplacedParts } from './support/replace-parts.ts'

/** Beside it, an object keeps rows about removed entries. */
const ENTRY_PREFIX = 'botshelf/1//:'
const RUNS = 250

const sparse: unknown[] = []
sparse.length = 2 ** 32 - 1

/** What a malformed message has in place of a part, or in addition. Each can cross an RPC. */
const rubbish: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(undefined, null, true, '', 'set', '\uD800', '__proto__', 'x'.repeat(3000)),
  fc.constantFrom(Number.NaN, -1, -0, 0.5, 2 ** 31, 1e15, Infinity, -Infinity),
  fc.constantFrom([], {}, sparse, 5n, new Date(0), new Map(), new Uint8Array(3), [[]]),
  fc.integer(),
  fc.string({ unit: 'binary' }),
  fc.anything({ maxDepth: 2, withNullPrototype: false }),
)

/** A valid message of which one or two parts are replaced. */
const mutated = withReplacedParts(
  fc.nat(validMessages().length - 1).map((index) => validMessages()[index]),
  rubbish,
)

/** A message whose fields are all arbitrary. */
const arbitrary: fc.Arbitrary<unknown> = fc
  .tuple(
    fc.constantFrom(...validMessages().map(({ type }) => type)),
    fc.dictionary(fc.constantFrom(...validMessages().flatMap(Object.keys)), rubbish),
  )
  .map(([type, fields]) => ({ ...fields, type, v: PROTOCOL_VERSION }))

interface Run {
  readonly before: readonly [name: string, row: unknown][]
  readonly after: readonly [name: string, row: unknown][]
  readonly reply: Message
  /** The number of live entries, as the object counts them. */
  readonly len: unknown
}

/** Returns messages that leave one entry, so that a run does not depend on those before it. */
function preparation(): Message[] {
  const entry = { value: 0, version: crypto.randomUUID() }
  return [
    { v: PROTOCOL_VERSION, type: 'clear' },
    writeMessage('commit', [{ key: 'a', entry, bytes: 16 }]),
  ]
}

/** Passes a message to an object with one entry. No other event comes between the readings. */
function run(namespace: string, message: unknown): Promise<Run> {
  return runInDurableObject(objectOf(namespace), async (instance: StorageObject, { storage }) => {
    for (const each of preparation()) await instance.call(each as RpcMessage)
    const before = [...storage.kv.list()]
    const reply = await instance.call(structuredClone(message) as RpcMessage)
    const after = [...storage.kv.list()]
    const { len } = await instance.call({ v: PROTOCOL_VERSION, type: 'len', now: -Infinity })
    const { id: turn } = Object(message) as { id?: string }
    // Otherwise later messages wait for it.
    if (typeof turn === 'string') await instance.call({ v: 5, type: 'release', turn })
    return { before, after, reply: structuredClone(reply) as unknown as Message, len }
  })
}

/** Checks an entry in the form that the object stores. */
function checkEntry(row: unknown): void {
  expect(row).toEqual(expect.any(Array))
  const [value, version, bytes, expires] = row as unknown[]
  expect(value).not.toBe(undefined)
  expect(version).toEqual(expect.stringMatching(/./su))
  expect(bytes).toBeGreaterThanOrEqual(0)
  if (expires !== undefined) expect(expires).toSatisfy((time) => !Number.isNaN(time))
}

test.each([
  ['one or two replaced parts', mutated],
  ['arbitrary fields', arbitrary],
])(
  'a message with %s leaves well-formed entries only, and changes nothing if it is refused',
  async (_, messages) => {
    const namespace = uniqueName()
    await fc.assert(
      fc.asyncProperty(messages, async (message) => {
        const { before, after, reply, len } = await run(namespace, message)
        const entries = after.filter(([name]) => name.startsWith(ENTRY_PREFIX))
        for (const [, row] of entries) checkEntry(row)
        expect(len).toBe(entries.length)
        if (reply['error'] === undefined) return
        const error = StoreError.from(reply['error'])
        expect(isStoreError(error)).toBe(true)
        expect(['INVALID_VALUE', 'INVALID_KEY', 'VERSION_MISMATCH']).toContain(error.code)
        expect(error.outcome).toBe('not-applied')
        expect(after).toEqual(before)
      }),
      { numRuns: RUNS },
    )
  },
)
