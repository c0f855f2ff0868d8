import { decode, encode } from '../codec.ts'
import type { Store } from '../store.ts'
import { copyValue } from '../value/copy-value.ts'
import { assert, assertEqual, assertRejects, collect } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import type { TestBackend } from './test-backend.ts'
import { INVALID_VALUES, VALID_VALUES } from './values.ts'

const VALID_VALUE_RULES: readonly Rule[] = VALID_VALUES.map(({ name, make, reads = make }) => ({
  id: `values/${name}`,
  name: `a value (${describe(name)}) is read back equal by get() and entries()`,
  fix: 'store the entry with structured clone, or as text with encode() and decode() of botshelf/codec',
  exempt: ({ maxValueBytes }) => exemptIfTooLarge(make(), maxValueBytes),
  run: async (backend) => {
    const store = await backend.openStore()
    await store.set('k', make())
    assertEqual(await store.get('k'), reads(), 'the value from get()')
    for (const [, value] of await collect(store.entries()))
      assertEqual(value, reads(), 'the value from entries()')
  },
}))

const INVALID_VALUE_RULES: readonly Rule[] = INVALID_VALUES.map(({ name, make, path }) => ({
  id: `invalid-values/${name}`,
  name: `an invalid value (${describe(name)}) is rejected with INVALID_VALUE and its path, and the old value stays`,
  fix: 'check that get() returns what was last set; the store validates values before it calls the storage',
  exempt: ({ maxValueBytes }) =>
    maxValueBytes < 65_536
      ? `maxValueBytes is ${maxValueBytes}, so the value may be TOO_LARGE instead`
      : undefined,
  run: async (backend) => {
    const store = await backend.openStore()
    await store.set('k', 'old')
    const { message } = await assertRejects(
      store.set('k', make()),
      'INVALID_VALUE',
      `set() to ${name}`,
    )
    assert(
      message.includes(`${path} `),
      `the message of INVALID_VALUE: expected the path ${path} in it; received "${message}"`,
    )
    assertEqual(await store.get('k'), 'old', 'get() after the rejected set()')
  },
}))

const DAMAGED_TEXTS = [
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
  '2:',
  '2:[',
  '2:"~x"',
  '2:{"__proto__":1}',
  null,
  7,
] as string[]

/** Values: the same on every backend, copied when written and when read, or rejected before any I/O. */
export const VALUE_RULES: readonly Rule[] = [
  ...VALID_VALUE_RULES,
  ...INVALID_VALUE_RULES,
  {
    id: 'copies/set-copies-value',
    name: 'set() stores the value as it was at the time of the call',
    fix: 'keep the entry that set() or commit() receives unchanged; the store has copied the value',
    run: (backend) => mutateDuringWrite(backend, (store, value) => store.set('k', value)),
  },
  {
    id: 'copies/atomic-writes-copy-value',
    name: 'setMany(), insert(), getOrInsert() and the set() of a transaction store the value as it was at the time of the call',
    fix: 'keep the entries that commit() receives unchanged; the store has copied the values',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      await mutateDuringWrite(backend, (store, value) => store.setMany({ k: value }))
      await mutateDuringWrite(backend, (store, value) => store.insert('k', value))
      await mutateDuringWrite(backend, (store, value) => store.getOrInsert('k', value))
      await mutateDuringWrite(backend, (store, value) => {
        const copied = structuredClone(value)
        return store.transaction(['k'], (tx) => {
          tx.set('k', copied)
          ;(copied as { list: number[] }).list.push(3)
        })
      })
    },
  },
  {
    id: 'copies/reads-return-copies',
    name: 'two reads return two values, and changing one does not change the other or the stored one',
    fix: 'copy the entry on each read, with structuredClone() or by parsing stored text',
    run: async (backend) => {
      const store = await backend.openStore()
      await store.set('k', { list: [1] })
      const [one, two] = (await Promise.all([store.get('k'), store.get('k')])) as {
        list: number[]
      }[]
      assert(one !== two, 'two reads: expected two values; received the same object twice')
      one?.list.push(2)
      for await (const value of store.values()) (value as { list: number[] }).list.push(3)
      assertEqual(two, { list: [1] }, 'the value of the other read')
      assertEqual(await store.get('k'), { list: [1] }, 'the stored value')
    },
  },
  {
    id: 'sizes/too-large',
    name: 'a value over maxValueBytes rejects with TOO_LARGE, the message names the limit, and the old value stays',
    fix: 'set traits.maxValueBytes to what the backend stores',
    exempt: ({ maxValueBytes }) =>
      maxValueBytes === Number.POSITIVE_INFINITY ? 'values have no limit' : undefined,
    run: async (backend) => {
      const store = await backend.openStore()
      const { maxValueBytes } = backend.traits
      await store.set('k', 'old')
      const { message } = await assertRejects(
        store.set('k', new Uint8Array(maxValueBytes)),
        'TOO_LARGE',
        `set() to ${maxValueBytes} bytes`,
      )
      assert(
        message.includes(String(maxValueBytes)),
        `the message of TOO_LARGE: expected the limit ${maxValueBytes} in it; received "${message}"`,
      )
      assertEqual(await store.get('k'), 'old', 'get() after the rejected set()')
      const half = 'x'.repeat(Math.floor(maxValueBytes / 2))
      await store.set('k', half)
      assertEqual(await store.get('k'), half, 'a value of half the limit')
    },
  },
  {
    id: 'codec/round-trip',
    name: 'encode() and decode() of botshelf/codec keep every valid value',
    fix: 'report a bug of botshelf; an adapter cannot affect this case',
    run: async () => {
      for (const { name, make, reads = make } of VALID_VALUES) {
        const text = encode(make())
        assert(
          text.isWellFormed() && /^\d+:/.test(text),
          `the text of ${name}: expected well-formed text that begins with the format number; received ${JSON.stringify(text.slice(0, 60))}`,
        )
        assertEqual(decode(text), reads(), name)
      }
    },
  },
  {
    id: 'codec/invalid-input',
    name: 'encode() rejects what no backend stores; decode() rejects damaged text and later formats',
    fix: 'report a bug of botshelf; an adapter cannot affect this case',
    run: async () => {
      for (const { name, make } of INVALID_VALUES)
        await assertRejects((async () => encode(make()))(), 'INVALID_VALUE', `encode() of ${name}`)
      for (const text of DAMAGED_TEXTS)
        await assertRejects(
          (async () => decode(text))(),
          'CORRUPT',
          `decode(${JSON.stringify(text)})`,
        )
      await assertRejects(
        (async () => decode('3:[1]'))(),
        'VERSION_MISMATCH',
        'decode() of a later format',
      )
    },
  },
]

/** Returns the name of a value in words. */
function describe(name: string): string {
  return name.replaceAll('-', ' ')
}

function exemptIfTooLarge(value: unknown, maxValueBytes: number): string | undefined {
  const { bytes } = copyValue(value)
  // Leaves 100 bytes for the key.
  return bytes + 100 > maxValueBytes
    ? `the value takes ${bytes} bytes, and maxValueBytes is ${maxValueBytes}`
    : undefined
}

/** Changes the value after the call and before the write has completed. */
async function mutateDuringWrite(
  backend: TestBackend,
  write: (store: Store, value: unknown) => Promise<unknown>,
): Promise<void> {
  const store = await backend.openStore()
  const value = { list: [1], at: new Date(1), bytes: new Uint8Array([1]) }
  const written = write(store, value)
  value.list.push(2)
  value.at.setTime(2)
  value.bytes[0] = 2
  await written
  assertEqual(
    await store.get('k'),
    { list: [1], at: new Date(1), bytes: new Uint8Array([1]) },
    'the stored value',
  )
}
