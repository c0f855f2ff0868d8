import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SharedRuntimeRequest } from '../../support/shared-runtime-worker.ts'

let miniflare: Miniflare
let url: URL

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        export { StorageObject } from './adapters/storage-object.ts'
        export { default } from './test/support/shared-runtime-worker.ts'`,
      resolveDir: new URL('../../..', import.meta.url).pathname,
    },
    bundle: true,
    conditions: ['botshelf-source'],
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['cloudflare:workers'],
  })
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: outputFiles[0]?.text ?? '',
      compatibilityDate: '2026-10-01',
      durableObjects: { BOT_STORAGE: { className: 'StorageObject', useSQLite: true } },
      kvNamespaces: ['BOT_KV'],
    }),
  )
  url = await miniflare.ready
})

afterAll(() => miniflare.dispose())

function ask(asked: SharedRuntimeRequest, signal?: AbortSignal): Promise<Response> {
  return fetch(url, { method: 'POST', body: JSON.stringify(asked), signal: signal ?? null })
}

interface Burst {
  readonly first: readonly number[]
  readonly later: readonly number[]
  readonly own: string
}

/** A request that has to be answered, whatever others do. */
async function burst(backend: SharedRuntimeRequest['backend'], id: string): Promise<Burst> {
  const response = await ask({ backend, does: 'burst', id })
  const text = await response.text()
  expect(response.status, text).toBe(200)
  const answer = JSON.parse(text) as Burst
  expect(answer.own).toBe(id)
  return answer
}

/** A request that ends in the middle of an `update`; resolves to what breaks it off, if it goes on. */
async function abandon(
  backend: SharedRuntimeRequest['backend'],
  ends: NonNullable<SharedRuntimeRequest['ends']>,
  id: string,
): Promise<() => void> {
  const controller = new AbortController()
  // It is answered, with its head at least, when its function has been called.
  const response = await ask({ backend, does: 'abandon', ends, id }, controller.signal)
  expect(response.status).toBe(ends === 'error' ? 500 : 200)
  return () => {
    controller.abort()
  }
}

describe.each(['object', 'kv'] as const)('requests that share a runtime over %s', (backend) => {
  const ids: string[] = []
  let count = 0
  async function bursts(size: number): Promise<Burst[]> {
    const own = Array.from({ length: size }, () => `${backend} ${ids.length + count++}`)
    const answers = await Promise.all(own.map((id) => burst(backend, id)))
    ids.push(...own)
    return answers
  }

  test.each(['answer', 'error', 'hang', 'hang on a timer'] as const)(
    'are all answered while others end, or do not, in the middle of an update: %s',
    async (ends) => {
      for (let round = 0; round < 5; round++) {
        const [stop, other] = await Promise.all([
          abandon(backend, ends, `abandoned ${round}`),
          abandon(backend, ends, `abandoned ${round} too`),
          // These come while the others begin,
          bursts(1 + (round % 2)),
        ])
        // while they are in the middle,
        await bursts(1)
        const meanwhile = bursts(2)
        // as they are broken off,
        stop()
        await meanwhile
        other()
        // and after that.
        await bursts(1)
      }
    },
    120_000,
  )

  test('find all that was stored for a request that was answered', async () => {
    const answers = await bursts(1)
    const response = await ask({ backend, does: 'read', id: '' })
    const { entries, unhandled } = (await response.json()) as {
      entries: Record<string, unknown>
      unhandled: string[]
    }
    for (const id of ids) {
      for (const part of ['alone', 'one', 'two']) expect(entries[`${id}/${part}`]).toBe(id)
    }
    const counted = answers[0]?.later.map((_, index) => entries[`counter ${index}`]) ?? []
    if (backend === 'object') {
      // Each of them counts up twice, and those that never end do not.
      expect(counted).toEqual(counted.map(() => 2 * ids.length))
      expect(answers[0]?.later).toEqual(counted)
    }
    expect(unhandled).toEqual([])
  })
})
