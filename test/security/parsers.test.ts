import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { durableObject } from '../../adapters/durable-object.ts'
import { memory } from '../../adapters/memory.ts'
import { HttpError } from '../../src/admin/index.ts'
import { readRestoreRequest } from '../../src/admin/restore.ts'
import { readMergeRequest, readReplaceRequest } from '../../src/admin/write-namespace.ts'
import { decodeCursor } from '../../src/backup/cursor.ts'
import { InvalidInputError, parseChange } from '../../src/backup/entry.ts'
import { formatBackup, parseBackup } from '../../src/backup/file.ts'
import { BackupError } from '../../src/backup/lines.ts'
import { createPart, parsePart } from '../../src/backup/part.ts'
import { decode, encode } from '../../src/codec.ts'
import { isStoreError, StorageRuntime } from '../../src/index.ts'
import { parseAddressedText } from '../../worker/telegram/addressee.ts'
import { parseUpdate } from '../../worker/telegram/update.ts'
import { storableValue } from '../support/storable-value.ts'
import { withReplacedParts } from './support/replace-parts.ts'

// Each property is short, so that a parser that hangs stops the test file at one of them.
const RUNS = 300

/** JSON that a parser may receive, with names that every object has. */
const json = fc.oneof(
  fc.constant(null),
  fc.constantFrom('', '__proto__', '\uD800', 'x'.repeat(5000), -0, -1, 0.5, 1e300, [], {}, [[]]),
  fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' }),
  fc.dictionary(
    fc.constantFrom('__proto__', 'constructor', 'toString', 'length', 'then', 'toJSON', 'k'),
    fc.jsonValue({ maxDepth: 1 }),
  ),
)

/** Creates valid JSON with other parts, and arbitrary JSON. */
function variantsOf(...valid: readonly unknown[]): fc.Arbitrary<unknown> {
  const replaced = withReplacedParts(fc.constantFrom(...valid), json)
  return fc.oneof({ weight: 4, arbitrary: replaced }, { weight: 1, arbitrary: json })
}

/** Cuts out and inserts text, as damage does. */
function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(text, fc.nat(), fc.nat(20), fc.string({ unit: 'binary' }))
    .map(([whole, at, length, inserted]) => {
      const start = at % (whole.length + 1)
      return whole.slice(0, start) + inserted + whole.slice(start + length)
    })
}

/** Runs a parser on many inputs. What it throws must be an error that `isExpected` knows. */
async function expectOnly<T>(
  inputs: fc.Arbitrary<T>,
  parse: (input: T) => unknown,
  isExpected: (error: unknown) => boolean,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      try {
        await parse(input)
      } catch (error) {
        if (!isExpected(error)) throw error
      }
    }),
    { numRuns: RUNS },
  )
  expect(Object.keys(Object.prototype)).toEqual([])
}

const isCorrupt = (error: unknown): boolean =>
  isStoreError(error) && ['CORRUPT', 'VERSION_MISMATCH'].includes(error.code)
const isClientError = (error: unknown): boolean =>
  error instanceof InvalidInputError || (error instanceof HttpError && error.status < 500)

test('the check of this file fails for a parser that throws any other error', async () => {
  const checked = expectOnly(json, (input) => Object.keys(input as object), isClientError)
  await expect(checked).rejects.toThrow(/seed: .*path: /s)
})

/** Decodes text. What `decode` returns can be encoded, and the text is not out of proportion. */
function reencode(text: string): void {
  expect(encode(decode(text)).length).toBeLessThan(200 * text.length + 200)
}

describe('decode() throws nothing but CORRUPT and VERSION_MISMATCH', () => {
  const index = fc.oneof(fc.integer({ min: -8, max: 12 }), json)
  const types = ['Map', 'Set', 'Date', 'RegExp', 'BigInt', 'Error', 'Object', 'null', 'URL']
  const typed = ['ArrayBuffer', 'Uint8Array', 'Float64Array', 'DataView', 'Temporal.Instant', '']
  const part = fc.oneof(
    json,
    fc.array(index),
    fc.dictionary(fc.string(), index),
    fc.tuple(fc.constantFrom(...types, ...typed), index, index),
    fc.tuple(
      fc.constant(-7),
      fc.oneof(fc.nat(), fc.constantFrom(2 ** 32 - 1, 3e7, -1)),
      index,
      index,
    ),
  )
  const parts = fc.array(part, { minLength: 1, maxLength: 12 })

  test.each<[string, fc.Arbitrary<string>]>([
    ['damaged text', damaged(storableValue.map(encode))],
    ['the parts of devalue in any order', parts.map((list) => `1:${JSON.stringify(list)}`)],
    ['JSON', json.map((value) => `2:${JSON.stringify(value)}`)],
    ['any text', fc.string({ unit: 'binary' })],
  ])('for %s', async (_, texts) => {
    await expectOnly(texts, reencode, isCorrupt)
  })

  test('and keeps no memory for the holes of a list, whose length is any number', () => {
    const lengths = fc.sample(fc.integer({ min: 10_000_000, max: 2 ** 32 - 1 }), 50)
    const before = process.memoryUsage().heapUsed
    const decoded = lengths.map((length) => decode(`1:[[-7,${length}]]`))
    // Allocated, the shortest list takes 80 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50e6)
    expect(decoded.map((list) => (list as unknown[]).length)).toEqual(lengths)
  })
})

describe('a backup', async () => {
  const contents = new Map([['N', new Map([['k', { value: encode(1), expires: 5, version: 2 }]])]])
  const file = await formatBackup({ at: '2026-01-01T00:00:00.000Z', storage: 'Memory', contents })
  const lines = file.trimEnd().split('\n')
  const edited = fc
    .tuple(fc.nat(2), variantsOf(...lines.map((line): unknown => JSON.parse(line))))
    .map(([at, line]) => lines.with(at, JSON.stringify(line)).join('\n'))
  const utf8 = new TextEncoder()

  test.each<[string, fc.Arbitrary<Uint8Array>]>([
    ['a damaged file', damaged(fc.constant(file)).map((text) => utf8.encode(text))],
    ['a file with a changed line', edited.map((text) => utf8.encode(text))],
    ['any bytes', fc.uint8Array()],
  ])('of %s is read, or rejected with the line', async (_, files) => {
    await expectOnly(files, parseBackup, (error) => error instanceof BackupError && error.line > 0)
  })

  test('as entries, parts and cursors is read, or rejected with a sentence', async () => {
    const entry = { namespace: 'N', key: 'k', value: encode(1), expires: 5, version: 2 }
    const removal = { namespace: 'N', key: 'l', remove: true } as const
    const part = await createPart({ after: null, entries: [entry, removal], isLast: false })
    await expectOnly(variantsOf(entry, removal), parseChange, isClientError)
    await expectOnly(variantsOf(part), parsePart, isClientError)
    const cursors = damaged(fc.constant(part.next ?? ''))
    await expectOnly(fc.oneof<fc.Arbitrary<unknown>[]>(cursors, json), decodeCursor, isClientError)
  })
})

function toRequest(body: string): Request {
  const headers = { 'content-type': 'application/json' }
  return new Request('https://bot.example/', { method: 'POST', headers, body })
}

test('a body of the admin API is read, or rejected with a status below 500', async () => {
  const part = await createPart({
    after: null,
    entries: [{ namespace: 'N', key: 'k', value: encode(1) }],
    isLast: true,
  })
  const bodies = variantsOf(
    { entries: { k: encode(1) }, expires: { k: 5 }, versions: { k: 1 } },
    { entries: { k: encode([1]) }, lists: 'append', remove: ['l'] },
    { mode: 'merge', part },
    { mode: 'merge', part, restore: 'e30.e30' },
  )
  const text = fc.oneof(
    bodies.map((body) => JSON.stringify(body)),
    damaged(bodies.map((body) => JSON.stringify(body))),
  )
  const context = { storage: 'Memory', secret: 'secret' }
  for (const form of ['text', 'json'] as const) {
    const target = { namespace: 'N', form }
    await expectOnly(text, (body) => readReplaceRequest(toRequest(body), target), isClientError)
    await expectOnly(text, (body) => readMergeRequest(toRequest(body), target), isClientError)
  }
  await expectOnly(text, (body) => readRestoreRequest(toRequest(body), context), isClientError)
})

test('an update of Telegram is read, or rejected with 400', async () => {
  const from = { id: 1, is_bot: false, first_name: 'Ann', username: 'ann' }
  const message = {
    message_id: 1,
    from,
    chat: { id: 1, type: 'private' },
    date: 1_767_355_200,
    text: '/help@a_bot x @b',
    entities: [{ type: 'bot_command', offset: 0, length: 11 }],
  }
  const updates = variantsOf(
    { update_id: 1, message },
    { update_id: 1, channel_post: { ...message, sender_chat: { id: -1, title: 'c' } } },
    {
      update_id: 1,
      message: { ...message, text: undefined, caption: '!help', caption_entities: [] },
    },
    { update_id: 1, callback_query: { id: '1', from, message } },
  ).filter((update) => typeof update === 'object' && update !== null && !Array.isArray(update))
  await expectOnly(
    updates,
    (update) => {
      const { message: read } = parseUpdate(update as Readonly<Record<string, unknown>>)
      if (read) expect(parseAddressedText(read).fullText.length).toBeLessThan(20_000)
    },
    (error) => error instanceof HttpError && error.status === 400,
  )
})

test('a configuration starts a runtime, or is rejected with a code', async () => {
  const settings = variantsOf(
    { binding: 'B', prefix: 'bot', operationTimeout: 5 },
    { binding: 'B', locationHint: 'weur', jurisdiction: 'eu' },
    { storage: { kv: {} } },
  )
  const configs = fc.record(
    {
      STORAGE: fc.oneof(fc.constantFrom('DurableObject', 'Memory'), json),
      STORAGE_CONFIG: fc.oneof(settings, damaged(settings.map((value) => JSON.stringify(value)))),
      BOT_EXTRA_STORAGE_PLUGINS: fc.oneof(
        { weight: 5, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: json },
      ),
      B: fc.oneof(fc.constant({ idFromName: () => 1, get: () => 1 }), json),
    },
    { requiredKeys: ['STORAGE'] },
  )
  await expectOnly(
    configs,
    (config) => StorageRuntime.start(config as object, [memory, durableObject]),
    (error) => isStoreError(error) && ['CONFIG_INVALID', 'PLUGIN_NOT_FOUND'].includes(error.code),
  )
})
