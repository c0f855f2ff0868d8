import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { decode, encode } from '../../../src/codec.ts'
import { assertEqual } from '../../../src/conformance/assertions.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'
import { formatEntry } from '../../../src/backup/entry.ts'
import { parseBackup, formatBackup } from '../../../src/backup/file.ts'
import type { Contents } from '../../../src/backup/target.ts'
import { stored } from '../../worker/support/stored.ts'
import { startTestBot } from '../../worker/support/test-bot.ts'

afterEach(() => vi.unstubAllGlobals())

const AT = '2026-01-02T12:00:00.000Z'
const HEADER = `{"botshelf":"backup","format":1,"at":"${AT}","storage":"IndexedDB"}`

function contentsOf(
  entries: Readonly<Record<string, Readonly<Record<string, { value: string; expires?: number }>>>>,
): Contents {
  return new Map(
    Object.entries(entries).map(([name, keys]) => [name, new Map(Object.entries(keys))]),
  )
}

function read(text: string): ReturnType<typeof parseBackup> {
  return parseBackup(new TextEncoder().encode(text))
}

function file(...lines: readonly string[]): string {
  return `${[HEADER, ...lines].join('\n')}\n`
}

const line = (namespace: unknown, key: unknown, value: unknown = encode(1)): string =>
  JSON.stringify({ namespace, key, value })

describe('a backup file', () => {
  test('has a header, the entries sorted by namespace and key, and their number with the SHA-256 of these lines', async () => {
    const contents = contentsOf({
      b: { z: stored(1), Z: { ...stored('two'), expires: 7.5 } },
      a: { 'k\n': stored([3]) },
      empty: {},
    })
    const lines = file(
      '{"namespace":"a","key":"k\\n","value":"2:[3]"}',
      '{"namespace":"b","key":"Z","value":"2:\\"two\\"","expires":7.5}',
      '{"namespace":"b","key":"z","value":"2:1"}',
    )
    const sha256 = createHash('sha256').update(lines).digest('hex')
    expect(await formatBackup({ at: AT, storage: 'IndexedDB', contents })).toBe(
      `${lines}{"entries":3,"sha256":"${sha256}"}\n`,
    )
  })
  test('holds every value that a store takes', async () => {
    const entries = new Map(VALID_VALUES.map(({ name, make }) => [name, stored(make())]))
    const contents = new Map([['values', entries]])
    const again = (await read(await formatBackup({ at: AT, storage: '', contents }))).contents
    expect(again).toEqual(contents)
    for (const { name, make, reads = make } of VALID_VALUES) {
      assertEqual(decode(again.get('values')?.get(name)?.value ?? ''), reads(), name)
    }
  })
  test('is read back if one value repeats a text 700,000 times', async () => {
    const often = stored(Array.from({ length: 700_000 }, () => 'nvidia: see the wiki, '.repeat(5)))
    const contents = new Map([['log', new Map([['k', often]])]])
    const again = await read(await formatBackup({ at: AT, storage: '', contents }))
    expect(again.contents).toEqual(contents)
  })
  test('holds any namespace and any key', async () => {
    const name = fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed())
    const namespaces = fc.dictionary(
      name.filter((text) => text !== ''),
      fc.dictionary(name, fc.oneof(fc.string({ unit: 'binary' }), fc.double()), { minKeys: 1 }),
    )
    await fc.assert(
      fc.asyncProperty(namespaces, async (given) => {
        const contents = new Map(
          Object.entries(given).map(([namespace, keys]) => [
            namespace,
            new Map(Object.entries(keys).map(([key, value]) => [key, stored(value)])),
          ]),
        )
        const backup = { at: AT, storage: 'IndexedDB', contents }
        expect(await read(await formatBackup(backup))).toEqual(backup)
      }),
    )
  })
  test('has no SHA-256 in a page without a secure context, which reads a file that has one', async () => {
    const contents = contentsOf({ a: { k: stored(1) } })
    const backup = { at: AT, storage: 'IndexedDB', contents }
    const digested = await formatBackup(backup)
    vi.stubGlobal('crypto', {})
    expect(await formatBackup(backup)).toBe(file(line('a', 'k'), '{"entries":1}'))
    expect(await read(digested)).toEqual(backup)
  })
  test('may have no entries', async () => {
    expect((await read(file('{"entries":0}'))).contents).toEqual(new Map())
  })
  test('may have CRLF, a byte order mark, and no line end after the last line', async () => {
    const { contents } = await read(
      `\ufeff${file(line('a', 'k'), '{"entries":1}').trimEnd().replaceAll('\n', '\r\n')}`,
    )
    expect(contents).toEqual(contentsOf({ a: { k: stored(1) } }))
    expect((await read(`${file('{"entries":0}').trimEnd()}\r\n`)).contents.size).toBe(0)
  })
  test('may be edited by hand; parsing re-encodes its values', async () => {
    const edited = '{ "value": "1: [ 1 ]", "key": "k", "namespace": "a" }'
    expect((await read(file(edited, '{"entries":1}'))).contents).toEqual(
      contentsOf({ a: { k: stored(1) } }),
    )
  })
  test('can be assembled from the lines of !backup', async () => {
    const { say, admin } = await startTestBot()
    await say('ann', '!learn tea = left')
    const lines = await admin('!backup')
    expect(lines.length).toBeGreaterThan(1)
    const { contents } = await read(file(...lines, `{"entries":${lines.length}}`))
    const again = [...contents].flatMap(([namespace, entries]) =>
      [...entries].map(([key, text]) => formatEntry({ namespace, key, ...text })),
    )
    expect(again.toSorted()).toEqual(lines.toSorted())
  })
})

describe('parseBackup() refuses', () => {
  const good = line('a', 'k')
  const deep = `1:[${Array.from({ length: 1005 }, (_, i) => `[${i + 1}]`).join()},1]`
  test.each<[string, string]>([
    ['Line 1: This is not a backup', ''],
    ['Line 1: This is not a backup', 'hello\n'],
    ['Line 1: This is not a backup', '[]\n{"entries":0}\n'],
    ['Line 1: This is not a backup', `${good}\n{"entries":1}\n`],
    ['Line 1: This is not a backup', `${HEADER.replace('"format":1', '"format":"1"')}\n`],
    ['Line 1: The header needs "at"', `${HEADER.replace(AT, 'soon')}\n{"entries":0}\n`],
    ['Line 1: This is not a backup', `\n${file('{"entries":0}')}`],
    ['Line 1: The backup was written by a later version', '{"botshelf":"backup","format":2}'],
    ['Line 1: The file is incomplete', file()],
    ['Line 2: The file is incomplete', file(good)],
    ['Line 3: The file is incomplete', file(good, '{"namespace":"a","ke')],
    ['Line 3: The file is incomplete', file(good, '{"entries":1.5}')],
    [
      'Line 4: The file is incomplete',
      `${file(good, '{"entries":1}')}
`,
    ],
    ['Line 3: The file has 1 entries, but its last line says 2.', file(good, '{"entries":2}')],
    ['Line 3: The file has 1 entries, but its last line says 0.', file(good, '{"entries":0}')],
    ['Line 3: The entry "a", "k" is a duplicate', file(good, good, '{"entries":2}')],
    ['Line 2: The line is not a JSON object.', file('', good, '{"entries":2}')],
    ['Line 2: The line is not a JSON object.', file('7', '{"entries":1}')],
    ['Line 2: The field "namespace" is missing.', file('{"entries":1}', good, '{"entries":2}')],
    ['Line 2: The field "value" is missing.', file('{"namespace":"a","key":"k"}', '{"entries":1}')],
    ['Line 2: Unknown field "ttl"', file(good.replace('}', ',"ttl":1}'), '{"entries":1}')],
    ['Line 2: A key must be a string', file(line('a', 1), '{"entries":1}')],
    [
      'must be a string without unpaired surrogates; received "k\\ud800"',
      file(line('a', 'k\ud800'), '{"entries":1}'),
    ],
    ['Line 2: A namespace must be', file(line('', 'k'), '{"entries":1}')],
    ['Line 2: A namespace must be', file(line('\udc00', 'k'), '{"entries":1}')],
    ['Line 2: A namespace must be', file(line(null, 'k'), '{"entries":1}')],
    ['Line 2: The field "value" must be a string.', file(line('a', 'k', 1), '{"entries":1}')],
    ['Line 2: The value is not encoded by', file(line('a', 'k', '[1]'), '{"entries":1}')],
    ['Line 2: The value is not encoded by', file(line('a', 'k', '1:[[9]]'), '{"entries":1}')],
    ['Line 2: The value was written by a later', file(line('a', 'k', '3:[1]'), '{"entries":1}')],
    ['Line 2: The value is not encoded by', file(line('a', 'k', '1:-1'), '{"entries":1}')],
    ['Line 2: The value cannot be stored.', file(line('a', 'k', deep), '{"entries":1}')],
  ])('a file: %s', async (sentence, text) => {
    await expect(read(text)).rejects.toThrow(sentence)
    await expect(read(text)).rejects.toThrow(/^Line \d+: [^]+\.$/)
  })
  test('a line that is not UTF-8', async () => {
    const bytes = new TextEncoder().encode(file(line('a', 'kkk'), '{"entries":1}'))
    bytes[bytes.indexOf(0x6b, HEADER.length + 20) + 10] = 0xe9
    await expect(parseBackup(bytes)).rejects.toThrow('Line 2: The line is not UTF-8 text.')
  })
  test('a file that is cut off anywhere', async () => {
    const text = file(line('a', 'k'), line('b', 'k'), '{"entries":2}')
    for (let end = 0; end < text.length - 1; end++) {
      await expect(read(text.slice(0, end)), text.slice(0, end)).rejects.toThrow(/^Line \d/)
    }
  })
  test('a file with any other byte, unless its last line has no sha256', async () => {
    const contents = contentsOf({ a: { k: stored('tea') }, b: { k: stored(1) } })
    const bytes = new TextEncoder().encode(await formatBackup({ at: AT, storage: '', contents }))
    for (const [index, byte] of bytes.slice(0, -1).entries()) {
      const altered = bytes.with(index, byte === 0x31 ? 0x32 : 0x31)
      await expect(parseBackup(altered), `byte ${index}`).rejects.toThrow(/^Line \d/)
    }
    const text = new TextDecoder().decode(bytes).replace('tea', 'pea')
    await expect(read(text)).rejects.toThrow('remove "sha256" from that line')
    const edited = await read(text.replace(/,"sha256":"[^"]+"/, ''))
    expect(edited.contents.get('a')?.get('k')).toEqual(stored('pea'))
  })
})
