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

function send(request: SharedRuntimeRequest, signal?: AbortSignal): Promise<Response> {
  return fetch(url, { method: 'POST', body: JSON.stringify(request), signal: signal ?? null })
}

interface BurstResult {
  readonly first: readonly number[]
  readonly later: readonly number[]
  readonly own: string
}

/** Sends a request that must be answered, independently of other requests. */
async function requestBurst(
  backend: SharedRuntimeRequest['backend'],
  id: string,
): Promise<BurstResult> {
  const response = await send({ backend, does: 'burst', id })
  const text = await response.text()
  expect(response.status, text).toBe(200)
  const answer = JSON.parse(text) as BurstResult
  expect(answer.own).toBe(id)
  return answer
}

/** Sends a request that ends during an `update`. Resolves to a function that aborts it. */
async function abandonRequest(
  backend: SharedRuntimeRequest['backend'],
  ends: NonNullable<SharedRuntimeRequest['ends']>,
  id: string,
): Promise<() => void> {
  const controller = new AbortController()
  // The response begins when the updater has been called.
  const response = await send({ backend, does: 'abandon', ends, id }, controller.signal)
  expect(response.status).toBe(ends === 'error' ? 500 : 200)
  return () => {
    controller.abort()
  }
}

describe.each(['object', 'kv'] as const)('requests that share a runtime over %s', (backend) => {
  const ids: string[] = []
  let count = 0
  async function requestBursts(size: number): Promise<BurstResult[]> {
    const own = Array.from({ length: size }, () => `${backend} ${ids.length + count++}`)
    const answers = await Promise.all(own.map((id) => requestBurst(backend, id)))
    ids.push(...own)
    return answers
  }

  test.each(['answer', 'error', 'hang', 'hang on a timer'] as const)(
    'are all answered while other requests end or hang during an update: %s',
    async (ends) => {
      for (let round = 0; round < 5; round++) {
        const [stop, other] = await Promise.all([
          abandonRequest(backend, ends, `abandoned ${round}`),
          abandonRequest(backend, ends, `abandoned ${round} too`),
          // Requests arrive while the others begin,
          requestBursts(1 + (round % 2)),
        ])
        // while their updates are running,
        await requestBursts(1)
        const meanwhile = requestBursts(2)
        // while they are aborted,
        stop()
        await meanwhile
        other()
        // and afterwards.
        await requestBursts(1)
      }
    },
    120_000,
  )

  test('find everything that an answered request has stored', async () => {
    const answers = await requestBursts(1)
    const response = await send({ backend, does: 'read', id: '' })
    const { entries, unhandled } = (await response.json()) as {
      entries: Record<string, unknown>
      unhandled: string[]
    }
    for (const id of ids) {
      for (const part of ['alone', 'one', 'two']) expect(entries[`${id}/${part}`]).toBe(id)
    }
    const counted = answers[0]?.later.map((_, index) => entries[`counter ${index}`]) ?? []
    if (backend === 'object') {
      // Each answered request adds 2, and an abandoned one adds nothing.
      expect(counted).toEqual(counted.map(() => 2 * ids.length))
      expect(answers[0]?.later).toEqual(counted)
    }
    expect(unhandled).toEqual([])
  })
})
