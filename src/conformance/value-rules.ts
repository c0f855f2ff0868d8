import { decode, encode } from '../codec.ts'
import { copyValue } from '../value/copy-value.ts'
import { assert, collect, assertRejects, assertEqual } from './assertions.ts'
import type { AnyStore, Rule } from './test-backend.ts'
import { INVALID_VALUES, VALID_VALUES } from './values.ts'

const stored: readonly Rule[] = VALID_VALUES.map(({ name, make, reads = make }) => ({
  id: `values/${name}`,
  name: `${name} comes back the same, alone and among entries`,
  exempt: ({ maxValueBytes }) => tooSmall(make(), maxValueBytes),
  run: async (subject) => {
    const store = await subject.store()
    await store.set('k', make())
    assertEqual(await store.get('k'), reads())
    for (const [, value] of await collect(store.entries()))
      assertEqual(value, reads(), 'the value of an entry')
  },
}))

const refused: readonly Rule[] = INVALID_VALUES.map(({ name, make, path }) => ({
  id: `refused/${name}`,
  name: `${name} is INVALID_VALUE with its path, and the old value stays`,
  exempt: ({ maxValueBytes }) =>
    maxValueBytes < 65_536
      ? 'the backend takes only small values, and may say TOO_LARGE'
      : undefined,
  run: async (subject) => {
    const store = await subject.store()
    await store.set('k', 'old')
    const { message } = await assertRejects(store.set('k', make()), 'INVALID_VALUE', name)
    assert(message.includes(`${path} `), `the message must name the path ${path}: ${message}`)
    assertEqual(await store.get('k'), 'old')
  },
}))

/** Why a value is none for a backend that takes so many bytes. */
function tooSmall(value: unknown, maxBytes: number): string | undefined {
  const { bytes } = copyValue(value)
  // With room for its key.
  return bytes + 100 > maxBytes ? `the value takes ${bytes} bytes` : undefined
}

async function unawaited(
  subject: { store(): Promise<AnyStore> },
  write: (store: AnyStore, value: unknown) => Promise<unknown>,
): Promise<void> {
  const store = await subject.store()
  const value = { list: [1], at: new Date(1), bytes: new Uint8Array([1]) }
  const written = write(store, value)
  value.list.push(2)
  value.at.setTime(2)
  value.bytes[0] = 2
  await written
  assertEqual(await store.get('k'), { list: [1], at: new Date(1), bytes: new Uint8Array([1]) })
}

/** Values: the same on every backend, copied in and copied out, or refused before any I/O. */
export const VALUE_RULES: readonly Rule[] = [
  ...stored,
  ...refused,
  {
    id: 'copies/in',
    name: 'what the caller changes after an un-awaited set is not what is stored',
    run: (subject) => unawaited(subject, (store, value) => store.set('k', value)),
  },
  {
    id: 'copies/in-many',
    name: 'what the caller changes after an un-awaited setMany or getOrInsert is not what is stored',
    exempt: ({ atomic }) =>
      atomic === 'none' ? 'the backend has no conditional writes' : undefined,
    run: async (subject) => {
      await unawaited(subject, (store, value) => store.setMany({ k: value }))
      await unawaited(subject, (store, value) => store.getOrInsert('k', value))
    },
  },
  {
    id: 'copies/out',
    name: 'two reads give two values, and changing one changes nothing else',
    run: async (subject) => {
      const store = await subject.store()
      await store.set('k', { list: [1] })
      const [one, two] = (await Promise.all([store.get('k'), store.get('k')])) as {
        list: number[]
      }[]
      assert(one !== two, 'two reads must not share a value')
      one?.list.push(2)
      for await (const value of store.values()) (value as { list: number[] }).list.push(3)
      assertEqual(two, { list: [1] })
      assertEqual(await store.get('k'), { list: [1] })
    },
  },
  {
    id: 'sizes/too-large',
    name: 'a value over maxValueBytes is TOO_LARGE with the limit, and the old value stays',
    exempt: ({ maxValueBytes }) =>
      maxValueBytes === Number.POSITIVE_INFINITY ? 'values have no limit' : undefined,
    run: async (subject) => {
      const store = await subject.store()
      const { maxValueBytes: limit } = subject.traits
      await store.set('k', 'old')
      const { message } = await assertRejects(
        store.set('k', new Uint8Array(limit)),
        'TOO_LARGE',
        'too large a value',
      )
      assert(
        message.includes(String(limit)),
        `the message must name the limit, ${limit}: ${message}`,
      )
      assertEqual(await store.get('k'), 'old')
      await store.set('k', 'x'.repeat(Math.floor(limit / 2)))
      assert((await store.get('k')) !== 'old', 'half of the limit must fit')
    },
  },
  {
    id: 'codec/exact',
    name: 'the codec turns every value of the domain into text and back, exactly',
    run: async () => {
      for (const { name, make, reads = make } of VALID_VALUES) {
        const text = encode(make())
        assert(
          text.isWellFormed() && /^\d+:/.test(text),
          `the text of ${name} must be well-formed and begin with the format`,
        )
        assertEqual(decode(text), reads(), name)
      }
    },
  },
  {
    id: 'codec/refused',
    name: 'the codec refuses what no backend stores, and text that is none of its own',
    run: async () => {
      for (const { name, make } of INVALID_VALUES) {
        await assertRejects(
          Promise.resolve().then(() => encode(make())),
          'INVALID_VALUE',
          name,
        )
      }
      const damaged = [
        '',
        '1',
        'hello',
        '[1]',
        '1:',
        '1:[',
        '1:[[5]]',
        '1:-7',
        '1:[["Error",1],[2],5]',
        '1:[["Object",1],5]',
        '1:[["Nope",1],5]',
      ]
      for (const text of [...damaged, null, 7] as string[])
        await assertRejects(
          Promise.resolve().then(() => decode(text)),
          'CORRUPT',
          `the text ${JSON.stringify(text)}`,
        )
      await assertRejects(
        Promise.resolve().then(() => decode('2:[1]')),
        'VERSION_MISMATCH',
        'a later format',
      )
    },
  },
]
