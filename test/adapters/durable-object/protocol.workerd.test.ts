import { runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import {
  createPlugin,
  largeGroup,
  objectOf,
  open,
  recordCalls,
  uniqueName,
} from './support/objects.ts'

const len = (v: number): object => ({ v, type: 'len', now: 0 })

interface Result {
  readonly code?: string | undefined
  readonly len?: number | undefined
}

/** Sends a message that no Worker of this version sends. */
async function send(message: object): Promise<Result> {
  const stub = objectOf('protocol') as unknown as {
    call(message: object): Promise<{ error?: { code: string }; len?: number }>
  }
  const { error, len: count } = await stub.call(message)
  return { code: error?.code, len: count }
}

test('an object accepts its own protocol version and the next one', async () => {
  for (const v of [5, 6]) expect(await send(len(v))).toEqual({ code: undefined, len: 0 })
})

test('an object rejects other protocol versions and unknown requests with VERSION_MISMATCH', async () => {
  for (const message of [len(7), len(4), { type: 'len', now: 0 }, { v: 5, type: 'shred' }]) {
    expect((await send(message)).code).toBe('VERSION_MISMATCH')
  }
})

test('a Worker accepts a reply of its own protocol version and of the next one', async () => {
  for (const [v, code] of [
    [4, 'VERSION_MISMATCH'],
    [6, undefined],
    [7, 'VERSION_MISMATCH'],
  ] as const) {
    const { binding } = recordCalls(async (_, call) => ({ ...((await call()) as object), v }))
    const set = (await open(uniqueName(), {}, binding)).set('k', 1)
    await (code
      ? expect(set).rejects.toMatchObject({ code })
      : expect(set).resolves.toBeUndefined())
  }
})

test('data of a later format rejects with VERSION_MISMATCH and stays unchanged', async () => {
  const namespace = uniqueName()
  await runInDurableObject(objectOf(namespace), (_, state) =>
    state.storage.kv.put('botshelf/2//:k', 'from the future'),
  )
  const store = await open(namespace)
  await expect(store.get('k')).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
  await expect(store.set('k', 1)).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
  await expect(store.clear()).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
  const kept = await runInDurableObject(objectOf(namespace), (_, state) => [
    ...state.storage.kv.list(),
  ])
  expect(kept).toEqual([['botshelf/2//:k', 'from the future']])
})

test('a reply that lacks a group leaves the outcome of every group unknown', async () => {
  const { binding } = recordCalls(async (message, call) => {
    const reply = await call()
    return message.type === 'commit' ? { ...Object(reply), groupCount: 1 } : reply
  })
  const storage = await createPlugin(binding).open(uniqueName())
  const unknown = expect.objectContaining({ code: 'BACKEND_ERROR', outcome: 'unknown' })
  expect(await storage.commit([largeGroup('a', 1), largeGroup('b', 1)])).toEqual([unknown, unknown])
})
