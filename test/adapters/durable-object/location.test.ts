import { expect, test } from 'vitest'
import { DurableObjectStoragePlugin } from '../../../adapters/durable-object.ts'
import { isStoreError } from '../../../src/index.ts'

/** Records how objects are reached. Each call of an object is a write that adds to the index. */
function recordObjects(): { binding: object; log: unknown[] } {
  const log: unknown[] = []
  const create = (jurisdiction: string): object => ({
    idFromName: (name: string) => `${jurisdiction}${name}`,
    get: (...args: unknown[]) => {
      log.push(args)
      return {
        call: async ({ type }: { type: string }) => ({
          v: 5,
          ...(type === 'commit' && { groupCount: 1, notIndexed: true }),
        }),
      }
    },
  })
  return { binding: { ...create(''), jurisdiction: (name: string) => create(`${name} `) }, log }
}

function problemOf(config: object): string {
  try {
    return typeof new DurableObjectStoragePlugin({ STORAGE_CONFIG: config })
  } catch (error) {
    if (isStoreError(error) && error.code === 'CONFIG_INVALID') return error.message
    throw error
  }
}

async function writeOnce(config: object): Promise<void> {
  const storage = await new DurableObjectStoragePlugin({ STORAGE_CONFIG: config }).open('n')
  await storage.set('k', { value: 1, version: 'v' })
}

test('locationHint is passed for every object, also for the index', async () => {
  const { binding, log } = recordObjects()
  await writeOnce({ binding, locationHint: 'weur' })
  expect(log).toEqual([
    ['botshelf/n', { locationHint: 'weur' }],
    ['botshelf/', { locationHint: 'weur' }],
    ['botshelf/n', { locationHint: 'weur' }],
  ])
})

test('jurisdiction selects every object, also the index', async () => {
  const { binding, log } = recordObjects()
  await writeOnce({ binding, jurisdiction: 'eu' })
  expect(log).toEqual([['eu botshelf/n'], ['eu botshelf/'], ['eu botshelf/n']])
})

test('without both, an object is reached by its name alone', async () => {
  const { binding, log } = recordObjects()
  await writeOnce({ binding })
  expect(log).toEqual([['botshelf/n'], ['botshelf/'], ['botshelf/n']])
})

test.each([
  ['locationHint', 'mars', /must be one of "wnam", .*; received "mars"\./],
  ['jurisdiction', 'mars', /must be one of "eu", "us", .*; received "mars"\./],
  ['jurisdiction', 5, /must be a string/],
])('%s %o rejects with the values that it may have', (field, value, message) => {
  expect(problemOf({ binding: recordObjects().binding, [field]: value })).toMatch(message)
})

test.each(['locationHint', 'jurisdiction'])('%s rejects together with storage', (field) => {
  const storage = { kv: {}, transactionSync() {}, sync() {} }
  const value = field === 'jurisdiction' ? 'eu' : 'weur'
  expect(problemOf({ storage, [field]: value })).toContain(
    `STORAGE_CONFIG.${field} works only with binding, and has no effect inside an object; received "${value}" together with storage. Leave it out.`,
  )
})

function throwError(): never {
  throw new Error('not implemented')
}

test('jurisdiction rejects if the binding has no such method, or the method throws', () => {
  const { binding } = recordObjects()
  expect(
    problemOf({ binding: { ...binding, jurisdiction: undefined }, jurisdiction: 'eu' }),
  ).toMatch(/received "eu", and the binding has no method jurisdiction\(\)\./)
  expect(
    problemOf({ binding: { ...binding, jurisdiction: throwError }, jurisdiction: 'eu' }),
  ).toMatch(/received "eu", and jurisdiction\(\) threw "not implemented"\./)
})
