import { runInDurableObject } from 'cloudflare:test'
import { createEntry } from '../../../../src/entry.ts'
import type { Change, Step, StepChange } from '../../../../src/index.ts'
import { encodeChanges } from '../../../../adapters/durable-object/tuples.ts'
import { objectOf } from './objects.ts'

/** A message as data that a test may change. */
export type Message = Record<string, unknown>

interface Reply {
  readonly error?: { readonly code: string; readonly outcome: string; readonly message: string }
  readonly failed?: readonly unknown[]
  readonly len?: number
}

/** Sends anything to the object of a namespace, over RPC. */
export function send(namespace: string, message: unknown): Promise<Reply> {
  const stub = objectOf(namespace) as unknown as { call(message: unknown): Promise<Reply> }
  return stub.call(message)
}

/** Reads all rows of an object. */
export function readRows(namespace: string): Promise<[name: string, row: unknown][]> {
  return runInDurableObject(objectOf(namespace), (_, { storage }) => [...storage.kv.list()])
}

/** Creates a message with the changes of one group. */
export function writeMessage(type: string, changes: readonly (Change | StepChange)[]): Message {
  return {
    v: 5,
    type,
    changes: encodeChanges(changes),
    groupSizes: [changes.length],
    messageId: crypto.randomUUID(),
    now: Date.now(),
    endsTurn: true,
    ...(type === 'resend' && { sentAt: Date.now(), age: 5 }),
  }
}

function step(fields: Step): StepChange {
  return { key: fields.kind, step: fields, version: crypto.randomUUID(), bytes: 16 }
}

/** Returns the changes of every kind, with a condition where one may have it. */
export function changesOfEveryKind(): (Change | StepChange)[] {
  const expires = Date.now() + 60_000
  const expiry = { expires, onInsert: true }
  return [
    { key: 'set', entry: createEntry(1, crypto.randomUUID(), expires), bytes: 16, ifVersion: null },
    { key: 'removed', remove: true },
    { key: 'checked', check: true, ifVersion: null },
    step({ kind: 'insert', value: 1, expiry }),
    step({ kind: 'getOrInsert', value: 1, expiry }),
    step({ kind: 'increment', by: 1, expiry }),
    step({ kind: 'append', item: 1, max: 2, expiry }),
    step({ kind: 'touch', expiry }),
    step({ kind: 'pop' }),
  ]
}

/** Returns a valid message of each type. */
export function validMessages(): Message[] {
  const v = 5
  return [
    { v, type: 'get', keys: ['a', 'b'] },
    writeMessage('commit', [
      { key: 'a', entry: createEntry(1, crypto.randomUUID()), bytes: 16 },
      { key: 'b', remove: true },
    ]),
    writeMessage('perform', changesOfEveryKind()),
    writeMessage('resend', changesOfEveryKind()),
    {
      v,
      type: 'list',
      prefix: '',
      after: 'a',
      limit: 1,
      now: 0,
      reverse: true,
      includeEntries: true,
    },
    { v, type: 'len', now: 0 },
    { v, type: 'clear' },
    { v, type: 'clearPrefix', prefix: 'a' },
    { v, type: 'drop' },
    { v, type: 'turn', keys: ['turn'], leaseMs: 1, id: crypto.randomUUID() },
    { v, type: 'release', turn: crypto.randomUUID() },
    { v, type: 'markIndexed' },
  ]
}
