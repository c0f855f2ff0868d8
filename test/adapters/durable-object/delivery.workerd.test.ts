import { runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import type { Change } from '../../../src/index.ts'
import {
  objectOf,
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

/** Loses the reply of each write message, but not of one that is sent again. */
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

test('a write whose reply is lost is sent again, and answered as before', async () => {
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
  expect(calls).toEqual(['perform', 'resend'])
  expect(
    await storage.commit([
      setGroup('k', 2, { ifVersion: null }),
      [{ key: 'k', remove: true }],
      setGroup('new', 1, { ifVersion: null }),
    ]),
  ).toEqual(['conflict', 'applied', 'applied'])
})

test('after a reset, a write whose reply was lost is answered as before, also after another write', async () => {
  const namespace = uniqueName()
  const other = await openIndexed(namespace)
  await other.commit([setGroup('popped', 'x'), setGroup('removed', 1), setGroup('k', 1)])
  const { binding } = loseReplies(async () => {
    await reset(namespace)
    await other.perform([
      stepGroup('n', { kind: 'increment', by: 1 }),
      stepGroup('list', { kind: 'append', item: 'y' }),
      setGroup('removed', 'new'),
      stepGroup('popped', { kind: 'insert', value: 'new' }),
    ])
  })
  const storage = await openStorage(namespace, binding)
  expect(
    await storage.perform([
      stepGroup('n', { kind: 'increment', by: 3 }),
      stepGroup('list', { kind: 'append', item: 'x' }),
      stepGroup('popped', { kind: 'pop' }),
      stepGroup('missing', { kind: 'pop' }),
      [{ key: 'removed', remove: true }],
      [...stepGroup('a', { kind: 'increment', by: 1 }), ...stepGroup('k', { kind: 'pop' })],
      [...setGroup('l', 1), ...setGroup('first', 1)],
    ]),
  ).toEqual([[3], [1], ['x'], [undefined], [undefined], [1, 1], [undefined, undefined]])
  const found = await storage.getMany(['n', 'list', 'popped', 'removed', 'a', 'k'])
  expect([...found].map(([key, { value }]) => [key, value])).toEqual([
    ['n', 4],
    ['list', ['x', 'y']],
    ['popped', 'new'],
    ['removed', 'new'],
    ['a', 1],
  ])
})

test('after a reset, values that were popped are found, although the keys were stored and popped again', async () => {
  const namespace = uniqueName()
  const other = await openIndexed(namespace)
  const large = 'x'.repeat(1_900_000)
  await other.commit([setGroup('a', 'x'), setGroup('b', large)])
  const { binding } = loseReplies(async () => {
    await reset(namespace)
    for (const value of ['y', 'z']) {
      await other.perform(
        ['a', 'b'].flatMap((key) => [
          // A set() cuts off the history.
          value === 'y' ? stepGroup(key, { kind: 'insert', value }) : setGroup(key, value),
          stepGroup(key, { kind: 'pop' }),
        ]),
      )
    }
    await other.perform([stepGroup('a', { kind: 'insert', value: 'new' })])
  })
  const storage = await openStorage(namespace, binding)
  expect(await storage.perform(['a', 'b'].map((key) => stepGroup(key, { kind: 'pop' })))).toEqual([
    ['x'],
    [large],
  ])
  expect((await storage.get('a'))?.value).toBe('new')
})

test('one group pops values that are larger together than one row', async () => {
  const namespace = uniqueName()
  const storage = await openIndexed(namespace)
  const value = 'x'.repeat(1_900_000)
  await storage.commit(
    ['a', 'b'].map((key) => [{ ...setGroup(key, value)[0], bytes: 1_900_000 } as Change]),
  )
  const pops = ['a', 'b'].flatMap((key) => stepGroup(key, { kind: 'pop' }))
  expect(await storage.perform([pops])).toEqual([[value, value]])
  const removed = await runInDurableObject(objectOf(namespace), (_, { storage: { kv } }) => [
    ...kv.list({ prefix: 'botshelf/1/-' }),
  ])
  expect(removed).toHaveLength(2)
  expect(JSON.stringify(removed).length).toBeLessThan(1000)
})

test.each([-3_600_000, -1000, 1000, 3_600_000])(
  'a Worker whose clock differs by %d ms learns what became of a write',
  async (difference) => {
    const namespace = uniqueName()
    await openIndexed(namespace)
    let isLost = true
    const { binding } = recordCalls(async (message, call) => {
      if (message.sentAt !== undefined) message.sentAt += difference
      if (message.type === 'resend') return call()
      if ((isLost = !isLost)) await call()
      await reset(namespace)
      throw lost
    })
    const storage = await openStorage(namespace, binding)
    for (let n = 1; n <= 4; n++) {
      expect(await storage.perform([stepGroup('n', { kind: 'increment', by: 1 })])).toEqual([[n]])
    }
  },
)

test('after a reset, only a blind write over which another one was made is unknown', async () => {
  const namespace = uniqueName()
  const other = await openIndexed(namespace)
  const { binding } = loseReplies(async () => {
    await reset(namespace)
    await other.commit([setGroup('overwritten', 'other')])
  })
  const storage = await openStorage(namespace, binding)
  expect(
    await storage.commit([setGroup('overwritten', 1), setGroup('k', 1), setGroup('l', 1)]),
  ).toEqual([
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'unknown' }),
    'applied',
    'applied',
  ])
  expect((await storage.get('overwritten'))?.value).toBe('other')
})

test('a write that did not arrive is sent again, also after a reset, and is made then', async () => {
  const namespace = uniqueName()
  await (await openIndexed(namespace)).commit([setGroup('removed', 1)])
  // The history of an entry that was just written without a read is too short.
  await new Promise((resolve) => setTimeout(resolve, 50))
  const { binding, calls } = recordCalls(async (message, call) => {
    if (message.type !== 'perform') return call()
    await reset(namespace)
    throw lost
  })
  const storage = await openStorage(namespace, binding)
  expect(
    await storage.perform([
      stepGroup('n', { kind: 'increment', by: 1 }),
      setGroup('first', 2),
      [{ key: 'removed', remove: true }],
    ]),
  ).toEqual([[1], [undefined], [undefined]])
  expect(calls).toEqual(['perform', 'resend'])
  expect((await storage.get('first'))?.value).toBe(2)
  expect(await storage.get('removed')).toBeUndefined()
})

test('a removal that is delivered twice, with a reset between, removes nothing that was stored after it', async () => {
  const namespace = uniqueName()
  const other = await openIndexed(namespace)
  await other.commit([setGroup('a', 1), setGroup('b', 1)])
  const storage = await openStorage(
    namespace,
    deliverTwice(async () => {
      await reset(namespace)
      await other.commit([setGroup('a', 'new'), setGroup('b', 'new')])
    }),
  )
  expect(
    await storage.perform([[{ key: 'a', remove: true }], stepGroup('b', { kind: 'pop' })]),
  ).toEqual([[undefined], [1]])
  expect((await storage.get('a'))?.value).toBe('new')
  expect((await storage.get('b'))?.value).toBe('new')
})

test('an entry without a history proves that its own write was applied', async () => {
  const namespace = uniqueName()
  await openIndexed(namespace)
  const { binding } = loseReplies(async () => {
    await reset(namespace)
    await runInDurableObject(objectOf(namespace), (_, { storage: { kv } }) => {
      for (const [name, entry] of kv.list({ prefix: 'botshelf/1//:' })) {
        kv.put(name, (entry as unknown[]).slice(0, 3))
      }
    })
  })
  const storage = await openStorage(namespace, binding)
  expect(
    await storage.perform([
      stepGroup('n', { kind: 'increment', by: 3 }),
      stepGroup('got', { kind: 'getOrInsert', value: 'x' }),
      setGroup('k', 1),
      [
        ...stepGroup('a', { kind: 'increment', by: 1 }),
        ...stepGroup('b', { kind: 'increment', by: 1 }),
      ],
      stepGroup('first', { kind: 'touch', expiry: {} }),
    ]),
  ).toEqual([
    [3],
    ['x'],
    [undefined],
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'applied', retryable: false }),
    [true],
  ])
})

test('if every message is lost, the outcome is unknown', async () => {
  const { binding, calls } = recordCalls(() => Promise.reject(lost))
  const storage = await openStorage(uniqueName(), binding)
  expect(await storage.commit([setGroup('k', 1), setGroup('l', 1)])).toEqual([
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'unknown', cause: lost }),
    expect.objectContaining({ code: 'CONNECTION_LOST', outcome: 'unknown', cause: lost }),
  ])
  expect(calls).toEqual(['commit', ...Array.from({ length: 7 }, () => 'resend')])
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

test('popped values of more than 4 MiB together are sent again', async () => {
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
    [value],
    [value],
    [value],
  ])
  expect((await storage.get('a'))?.value).toBe('new')
})

test('the first write of a namespace adds it to the index, although its reply is lost', async () => {
  const { binding, calls } = loseReplies()
  const storage = await openStorage(uniqueName(), binding)
  expect(await storage.commit([setGroup('k', 1)])).toEqual(['applied'])
  expect(calls).toEqual(['commit', 'resend', 'commit', 'resend', 'markIndexed'])
})
