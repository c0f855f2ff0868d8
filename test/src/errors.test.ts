import { describe, expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { StorageRuntime, type Store } from '../../src/index.ts'
import { checkKey } from '../../src/key.ts'
import { MinimalStoragePlugin } from '../support/minimal-plugin.ts'

const open = (): Promise<Store> => new StorageRuntime(new MemoryStoragePlugin()).open('n')

const unreadable: Iterable<never> = {
  [Symbol.iterator]() {
    throw new Error('thrown by the iterator')
  },
}

class Custom {
  readonly field = 1
}

describe('an error message says what was expected and what was received', () => {
  test.each<[string, (store: Store) => Promise<unknown>, string]>([
    [
      'a key that is not a string',
      (store) => store.get(5 as never),
      'A key must be a string without unpaired surrogates; received 5. (in "n")',
    ],
    [
      'a promise as a key',
      (store) => store.get(Promise.resolve('k') as never),
      'A key must be a string without unpaired surrogates; received a promise; await it first. (in "n")',
    ],
    [
      'an unpaired surrogate in a key',
      (store) => store.get('\ud800'),
      'A key must be a string without unpaired surrogates; received "\\ud800". (in "n", key "\\ud800")',
    ],
    [
      'a prefix that is not a string',
      (store) => store.keys({ prefix: 5 as never }).next(),
      'options.prefix must be a string without unpaired surrogates; received 5. (in "n")',
    ],
    [
      'a start of a listing that is not a string',
      (store) => store.keys({ after: 5 as never }).next(),
      'options.after must be a string without unpaired surrogates; received 5. (in "n")',
    ],
    [
      'options in the place of a number',
      (store) => store.increment('k', { ttl: 5 } as never),
      'increment() needs a finite number as its second argument, before the options; received an instance of Object. (in "n")',
    ],
    [
      'onInsert for a method that does not have it',
      (store) => store.insert('k', 1, { ttl: 5, onInsert: true } as never),
      'options.onInsert is not an option here; the options are ttl, expires, version. Correct or remove it. (in "n")',
    ],
    [
      'options that are not an object',
      (store) => store.set('k', 1, 60 as never),
      'options must be a plain object; received 60. (in "n")',
    ],
    [
      'a ttl that is not positive',
      (store) => store.set('k', 1, { ttl: 0 }),
      'options.ttl must be a positive number of milliseconds; received 0. (in "n")',
    ],
    [
      'a ttl together with an expiry',
      (store) => store.set('k', 1, { ttl: 1000, expires: 5 }),
      'options.expires must be left out with ttl; received 5. (in "n")',
    ],
    [
      'keys whose iterator throws',
      (store) => store.deleteMany(unreadable),
      'deleteMany() needs a list that can be read; its own code threw. Pass plain values instead. (in "n")',
    ],
    [
      'entries whose iterator throws',
      (store) => store.setMany(unreadable),
      'setMany() needs a list that can be read; its own code threw. Pass plain values instead. (in "n")',
    ],
    [
      'a value that cannot be stored',
      (store) => store.set('k', { run: () => 1 }),
      'Cannot be stored: $.run is a function. Convert or remove it. (in "n", key "k")',
    ],
    [
      'an expiry that is not a number',
      (store) => store.set('k', 1, { expires: new Date(0) as never }),
      'options.expires must be a time in milliseconds since 1970, such as date.getTime(), or null; received an instance of Date. (in "n")',
    ],
    [
      'an updater that is not a function',
      (store) => store.update('k', 1 as never),
      'update() needs a function; received 1. (in "n")',
    ],
    [
      'an instance of a class as entries',
      (store) => store.setMany(new Custom() as never),
      'setMany() needs an object, a Map or [key, value] entries; received an instance of Custom. (in "n")',
    ],
    [
      'a list of other things as entries',
      (store) => store.setMany(['k'] as never),
      'setMany() needs [key, value] entries in a list; received "k". (in "n")',
    ],
  ])('%s', async (_, call, message) => {
    await expect(call(await open())).rejects.toMatchObject({ message })
  })

  test('a key that is too long', () => {
    expect(() => checkKey('é'.repeat(100), 64)).toThrow(
      `A key must be at most 64 bytes of UTF-8; received 200: "${'é'.repeat(57)}...".`,
    )
  })

  test('update() on a backend that is not atomic', async () => {
    const store = await new StorageRuntime(new MinimalStoragePlugin({})).open('n')
    await expect(store.update('k', () => 1)).rejects.toMatchObject({
      code: 'NOT_ATOMIC',
      message:
        'update() needs an atomic backend; traits.atomic is "none" here. Use another backend, or start the runtime with { allowLostUpdates: true }, which may lose concurrent writes. (in "n")',
    })
  })
})
