import { expect, test } from 'vitest'
import type { Change } from '../../../src/index.ts'
import {
  openStorage,
  recordCalls,
  reset,
  setGroup,
  stepGroup,
  uniqueName,
} from './support/objects.ts'

const lost = Object.assign(new Error('Network connection lost.'), { retryable: true })

/** Delivers each write message twice; the client receives the second reply. */
function deliverTwice(between: () => Promise<void> = async () => {}): object {
  return recordCalls(async (message, call) => {
    if (message.type !== 'perform' && message.type !== 'commit') return call()
    await call()
    await between()
    return call()
  }).binding
}

/** Loses the reply of each write message. */
function loseReplies(after: () => Promise<void> = async () => {}): {
  binding: object
  calls: string[]
} {
  return recordCalls(async (message, call) => {
    const reply = await call()
    if (message.type !== 'perform' && message.type !== 'commit') return reply
    await after()
    throw lost
  })
}

/** Opens a namespace that is in the index already. */
async function openIndexed(namespace: string): ReturnType<typeof openStorage> {
  const storage = await openStorage(namespace)
  await storage.commit([setGroup('first', 0)])
  return storage
}

test('steps that are delivered twice run once, and are answered as before', async () => {
  const namespace = uniqueName()
  await (await openIndexed(namespace)).commit([setGroup('popped', 'x')])
  const storage = await openStorage(namespace, deliverTwice())
  expect(
    await storage.perform([
      stepGroup('n', { kind: 'increment', by: 1 }),
      stepGroup('popped', { kind: 'pop' }),
      stepGroup('new', { kind: 'insert', value: 1 }),
    ]),
  ).toEqual([[1], ['x'], [true]])
  expect((await storage.get('n'))?.value).toBe(1)
})

test('a commit that is delivered twice is answered as before, also after another write', async () => {
  const namespace = uniqueName()
  const other = await openIndexed(namespace)
  await other.commit([setGroup('k', 0, { version: 'v0' })])
  const storage = await openStorage(
    namespace,
    deliverTwice(async () => {
      await other.commit([setGroup('k', 'other'), setGroup('blind', 'other')])
    }),
  )
  expect(
    await storage.commit([setGroup('k', 1, { ifVersion: 'v0' }), setGroup('blind', 1)]),
  ).toEqual(['applied', 'applied'])
  expect((await storage.get('k'))?.value).toBe('other')
  expect((await storage.get('blind'))?.value).toBe('other')
})

test('a commit that was a conflict is not applied by a second delivery', async () => {
  const namespace = uniqueName()
  const other = await openIndexed(namespace)
  await other.commit([setGroup('k', 0)])
  const storage = await openStorage(
    namespace,
    deliverTwice(() => other.remove('k')),
  )
  expect(await storage.commit([setGroup('k', 1, { ifVersion: null })])).toEqual(['conflict'])
  expect(await storage.get('k')).toBeUndefined()
})

test('a step is not run twice if the object was reset between the two deliveries', async () => {
  const namespace = uniqueName()
  await openIndexed(namespace)
  const storage = await openStorage(
    namespace,
    deliverTwice(() => reset(namespace)),
  )
  expect(await storage.perform([stepGroup('n', { kind: 'increment', by: 4 })])).toEqual([[4]])
  expect(await storage.perform([stepGroup('list', { kind: 'append', item: 'x' })])).toEqual([[1]])
  expect(await storage.commit([setGroup('k', 1, { ifVersion: null })])).toEqual(['applied'])
  expect((await storage.get('n'))?.value).toBe(4)
  expect((await storage.get('list'))?.value).toEqual(['x'])
})

test('the results of a write whose reply is lost are looked up with one message', async () => {
  const namespace = uniqueName()
  await (await openIndexed(namespace)).commit([setGroup('popped', 'x')])
  const { binding, calls } = loseReplies()
  const storage = await openStorage(namespace, binding)
  expect(
    await storage.perform([
      stepGroup('n', { kind: 'increment', by: 1 }),
      stepGroup('popped', { kind: 'pop' }),
      stepGroup('popped', { kind: 'pop' }),
      setGroup('k', 1),
      stepGroup('first', { kind: 'append', item: 1 }),
    ]),
  ).toEqual([
    [1],
    ['x'],
    [undefined],
    [undefined],
    expect.objectContaining({ code: 'INVALID_VALUE', key: 'first' }),
  ])
  expect(calls).toEqual(['perform', 'lookUp'])
  expect(
    await storage.commit([
      setGroup('k', 2, { ifVersion: null }),
      [{ key: 'k', remove: true }],
      setGroup('new', 1, { ifVersion: null }),
    ]),
  ).toEqual(['conflict', 'applied', 'applied'])
})

test('after a reset, the stored versions decide the outcomes that they prove, and the others are unknown', async () => {
  const namespace = uniqueName()
  const other = await openIndexed(namespace)
  await other.commit([setGroup('popped', 'x')])
  const { binding } = loseReplies(async () => {
    await reset(namespace)
    await other.commit([setGroup('overwritten', 'other')])
  })
  const storage = await openStorage(namespace, binding)
  const unknown = expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'unknown' })
  expect(
    await storage.perform([
      stepGroup('n', { kind: 'increment', by: 3 }),
      stepGroup('list', { kind: 'append', item: 'x' }),
      stepGroup('popped', { kind: 'pop' }),
      setGroup('overwritten', 1),
      [
        ...stepGroup('a', { kind: 'increment', by: 1 }),
        ...stepGroup('overwritten', { kind: 'pop' }),
      ],
    ]),
  ).toEqual([
    [3],
    [1],
    unknown,
    unknown,
    // Its first key proves that it was applied; the popped value is lost.
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'applied', retryable: false }),
  ])
  expect(
    await storage.commit([setGroup('k', 1), setGroup('first', 1, { ifVersion: null })]),
  ).toEqual(['applied', unknown])
})

test('a write that did not arrive has an unknown outcome', async () => {
  const namespace = uniqueName()
  await openIndexed(namespace)
  const { binding, calls } = recordCalls((message, call) =>
    message.type === 'perform' ? Promise.reject(lost) : call(),
  )
  const storage = await openStorage(namespace, binding)
  expect(await storage.perform([stepGroup('n', { kind: 'increment', by: 1 })])).toEqual([
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'unknown', cause: lost }),
  ])
  expect(calls).toEqual(['perform', 'lookUp'])
})

test('if the lookup is lost too, the outcome is unknown', async () => {
  const { binding, calls } = recordCalls(() => Promise.reject(lost))
  const storage = await openStorage(uniqueName(), binding)
  expect(await storage.commit([setGroup('k', 1), setGroup('l', 1)])).toEqual([
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'unknown' }),
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'unknown' }),
  ])
  expect(calls).toEqual(['commit', 'lookUp'])
})

test('1,500 pops in one message that is delivered twice resolve to their values', async () => {
  const namespace = uniqueName()
  const other = await openIndexed(namespace)
  const keys = Array.from({ length: 1500 }, (_, i) => `k${i}`)
  await other.commit([keys.flatMap((key) => setGroup(key, key))])
  const storage = await openStorage(namespace, deliverTwice())
  const popped = await storage.perform(keys.map((key) => stepGroup(key, { kind: 'pop' })))
  expect(popped).toEqual(keys.map((key) => [key]))
})

test('popped values of more than 4 MiB together are not popped again', async () => {
  const namespace = uniqueName()
  const other = await openIndexed(namespace)
  const value = 'x'.repeat(1_900_000)
  const keys = ['a', 'b', 'c']
  await other.commit(
    keys.map((key) => [{ ...setGroup(key, value)[0], bytes: 1_900_000 } as Change]),
  )
  const storage = await openStorage(
    namespace,
    deliverTwice(() => other.set('a', { value: 'new', version: 'w' })),
  )
  expect(await storage.perform(keys.map((key) => stepGroup(key, { kind: 'pop' })))).toEqual([
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'applied' }),
    [value],
    [value],
  ])
  expect((await storage.get('a'))?.value).toBe('new')
})

test('the first write of a namespace adds it to the index, although its reply is lost', async () => {
  const { binding, calls } = loseReplies()
  const storage = await openStorage(uniqueName(), binding)
  expect(await storage.commit([setGroup('k', 1)])).toEqual(['applied'])
  expect(calls).toEqual(['commit', 'lookUp', 'commit', 'lookUp', 'markIndexed'])
})
