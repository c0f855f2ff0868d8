import { runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { createEntry } from '../../src/entry.ts'
import { objectOf, uniqueName } from '../adapters/durable-object/support/objects.ts'
import {
  changesOfEveryKind,
  type Message,
  readRows,
  send,
  validMessages,
  writeMessage,
} from '../adapters/durable-object/support/messages.ts'

const v = 5

/** Creates a namespace with one entry. */
async function createNamespace(): Promise<string> {
  const namespace = uniqueName()
  const kept = { key: 'kept', entry: createEntry('value', crypto.randomUUID()), bytes: 16 }
  expect(await send(namespace, writeMessage('commit', [kept]))).not.toHaveProperty('error')
  return namespace
}

/** Returns a write message of every kind of change, with one column replaced from an index on. */
function withColumn(name: string, index: number, item: unknown): Message {
  const message = writeMessage('perform', changesOfEveryKind())
  const changes = message['changes'] as Record<string, unknown[]>
  return { ...message, changes: { ...changes, [name]: changes[name]?.with(index, item) } }
}

/** Returns a write message whose changes are replaced in part. */
function withChanges(replaced: object): Message {
  const message = writeMessage('perform', changesOfEveryKind())
  return { ...message, changes: { ...Object(message['changes']), ...replaced } }
}

const write = (replaced: object): Message => ({
  ...writeMessage('commit', [{ key: 'new', entry: createEntry(1, 'version'), bytes: 16 }]),
  ...replaced,
})
const turn = { v, type: 'turn', keys: ['kept'], leaseMs: 1000, id: 'turn' }
const list = { v, type: 'list', prefix: '', now: 0, includeEntries: true }
const sparse: unknown[] = []
sparse.length = 2 ** 32 - 1
const LONG = 'x'.repeat(2049)

test.each<[string, string, unknown]>([
  ['no object', 'VERSION_MISMATCH', 5],
  ['null', 'VERSION_MISMATCH', null],
  ['a list', 'VERSION_MISMATCH', [v]],
  ['a function', 'VERSION_MISMATCH', () => v],
  ['a version that is no number', 'VERSION_MISMATCH', { v: '5', type: 'clear' }],
  ['a version that has no text', 'VERSION_MISMATCH', { v: { toString: 1 }, type: 'clear' }],
  ['no type', 'VERSION_MISMATCH', { v }],
  ['an unknown type', 'VERSION_MISMATCH', { v, type: 'shred' }],
  ['a type that every object has', 'VERSION_MISMATCH', { v, type: 'constructor' }],
  ['keys that are no list', 'INVALID_VALUE', { v, type: 'get', keys: 'kept' }],
  ['no keys', 'INVALID_VALUE', { v, type: 'get' }],
  ['a key that is no string', 'INVALID_KEY', { v, type: 'get', keys: ['kept', 7] }],
  ['a key that is too long', 'INVALID_KEY', { v, type: 'get', keys: [LONG] }],
  ['4,294,967,295 missing keys', 'INVALID_KEY', { v, type: 'get', keys: sparse }],
  ['no prefix to clear', 'INVALID_VALUE', { v, type: 'clearPrefix' }],
  ['a prefix that is a list', 'INVALID_VALUE', { v, type: 'clearPrefix', prefix: [] }],
  ['a time that is text', 'INVALID_VALUE', { v, type: 'len', now: '0' }],
  ['a time that is NaN', 'INVALID_VALUE', { v, type: 'len', now: Number.NaN }],
  ['no time', 'INVALID_VALUE', { v, type: 'len' }],
  ['a listing of −1 keys', 'INVALID_VALUE', { ...list, limit: -1 }],
  ['a listing of NaN keys', 'INVALID_VALUE', { ...list, limit: Number.NaN }],
  ['a listing in the order "yes"', 'INVALID_VALUE', { ...list, reverse: 'yes' }],
  ['a listing after 5', 'INVALID_VALUE', { ...list, after: 5 }],
  ['a listing that asks for "all" entries', 'INVALID_VALUE', { ...list, includeEntries: 'all' }],
  ['a lease of a year', 'INVALID_VALUE', { ...turn, leaseMs: 31_536_000_000 }],
  ['a lease of −1 ms', 'INVALID_VALUE', { ...turn, leaseMs: -1 }],
  ['a lease of NaN ms', 'INVALID_VALUE', { ...turn, leaseMs: Number.NaN }],
  ['a lease without an end', 'INVALID_VALUE', { ...turn, leaseMs: Infinity }],
  ['a turn without an id', 'INVALID_VALUE', { ...turn, id: undefined }],
  ['a turn with an id of a megabyte', 'INVALID_VALUE', { ...turn, id: 'x'.repeat(1_000_000) }],
  ['a turn on a key that is no string', 'INVALID_KEY', { ...turn, keys: [{}] }],
  ['no turn to release', 'INVALID_VALUE', { v, type: 'release' }],
  ['no changes', 'INVALID_VALUE', write({ changes: undefined })],
  ['changes that are a list', 'INVALID_VALUE', write({ changes: [] })],
  ['no id of the message', 'INVALID_VALUE', write({ messageId: undefined })],
  ['a message id of a megabyte', 'INVALID_VALUE', write({ messageId: 'x'.repeat(1_000_000) })],
  ['group sizes that are no list', 'INVALID_VALUE', write({ groupSizes: { 0: 1 } })],
  ['no groups for a change', 'INVALID_VALUE', write({ groupSizes: [] })],
  ['a group of too many changes', 'INVALID_VALUE', write({ groupSizes: [2] })],
  ['a group of too many changes of many', 'INVALID_VALUE', write({ groupSizes: [1, 1e15] })],
  ['groups whose sizes have the right sum', 'INVALID_VALUE', write({ groupSizes: [2, -1] })],
  ['a group of half a change', 'INVALID_VALUE', write({ groupSizes: [0.5, 0.5] })],
  ['a group of NaN changes', 'INVALID_VALUE', write({ groupSizes: [Number.NaN] })],
  ['4,294,967,295 missing groups', 'INVALID_VALUE', write({ groupSizes: sparse })],
  ['a write at NaN', 'INVALID_VALUE', write({ now: Number.NaN })],
  ['a write at "now"', 'INVALID_VALUE', write({ now: 'now' })],
  ['a write in the turn 5', 'INVALID_VALUE', write({ turn: 5 })],
  ['a write that ends "its" turn', 'INVALID_VALUE', write({ endsTurn: 'its' })],
  ['no time of the first delivery', 'INVALID_VALUE', write({ type: 'resend', age: 1 })],
  ['an age of NaN', 'INVALID_VALUE', write({ type: 'resend', sentAt: 1, age: Number.NaN })],
  ['a column that is missing', 'INVALID_VALUE', withChanges({ versions: undefined })],
  ['a column that is too short', 'INVALID_VALUE', withChanges({ bytes: [] })],
  ['a column that is no list', 'INVALID_VALUE', withChanges({ kinds: 'remove' })],
  ['a column of holes', 'INVALID_VALUE', withChanges({ expires: sparse })],
  ['a key to write that is no string', 'INVALID_KEY', withColumn('keys', 0, null)],
  ['a key to write that is too long', 'INVALID_KEY', withColumn('keys', 0, LONG)],
  ['a key with an unpaired surrogate', 'INVALID_KEY', withColumn('keys', 0, '\uD800')],
  ['a kind of a later version', 'VERSION_MISMATCH', withColumn('kinds', 0, 'rename')],
  ['no value', 'INVALID_VALUE', withColumn('values', 0, undefined)],
  ['a version that is a number', 'INVALID_VALUE', withColumn('versions', 0, 5)],
  ['an empty version', 'INVALID_VALUE', withColumn('versions', 0, '')],
  ['a version of a megabyte', 'INVALID_VALUE', withColumn('versions', 0, 'x'.repeat(1_000_000))],
  ['a size of −1 byte', 'INVALID_VALUE', withColumn('bytes', 0, -1)],
  ['a size of NaN bytes', 'INVALID_VALUE', withColumn('bytes', 0, Number.NaN)],
  ['a size without a limit', 'INVALID_VALUE', withColumn('bytes', 0, Infinity)],
  ['an expiry of NaN', 'INVALID_VALUE', withColumn('expires', 0, Number.NaN)],
  ['an expiry of -Infinity', 'INVALID_VALUE', withColumn('expires', 0, -Infinity)],
  ['an expiry that is text', 'INVALID_VALUE', withColumn('expires', 0, 'tomorrow')],
  ['a condition that is a number', 'INVALID_VALUE', withColumn('ifVersions', 0, 0)],
  ['a step that is text', 'INVALID_VALUE', withColumn('values', 3, 'insert')],
  ['a step without a value', 'INVALID_VALUE', withColumn('values', 3, { kind: 'insert' })],
  [
    'an increment of text',
    'INVALID_VALUE',
    withColumn('values', 5, { kind: 'increment', by: '1' }),
  ],
  ['a list of −1', 'INVALID_VALUE', withColumn('values', 6, { kind: 'append', item: 1, max: -1 })],
  ['no new expiry', 'INVALID_VALUE', withColumn('values', 7, { kind: 'touch' })],
  [
    'a new expiry of -Infinity',
    'INVALID_VALUE',
    withColumn('values', 7, { kind: 'touch', expiry: { expires: -Infinity } }),
  ],
])('a message with %s is refused and changes nothing', async (_, code, message) => {
  const namespace = await createNamespace()
  const before = await readRows(namespace)
  const { error } = await send(namespace, message)
  expect(error).toMatchObject({ code, outcome: 'not-applied' })
  expect(error?.message.length).toBeLessThan(500)
  expect(await readRows(namespace)).toEqual(before)
})

test('a valid message of each type is answered without an error, with fields of a later version too', async () => {
  for (const message of validMessages()) {
    const namespace = await createNamespace()
    const reply = await send(namespace, { ...message, v: 6, addedInVersion6: true })
    expect([message['type'], reply.error]).toEqual([message['type'], undefined])
    expect(reply.failed ?? []).toEqual([])
  }
})

test('a step of a later version fails its own group only', async () => {
  const changes = changesOfEveryKind().slice(3)
  const message = writeMessage('perform', changes)
  const { values } = message['changes'] as { values: object[] }
  values[0] = { kind: 'rename' }
  const sizes = changes.map(() => 1)
  const reply = await send(uniqueName(), { ...message, groupSizes: sizes })
  expect(reply.failed).toEqual([
    { groupIndex: 0, reason: expect.objectContaining({ code: 'VERSION_MISMATCH' }) },
  ])
})

test('an object has no handler of HTTP requests and of WebSockets', async () => {
  const handlers = ['fetch', 'webSocketMessage', 'webSocketClose', 'webSocketError']
  const found = await runInDurableObject(objectOf(uniqueName()), (instance) =>
    handlers.filter((name) => name in instance),
  )
  expect(found).toEqual([])
})
