import { expect, test } from 'vitest'
import { staleKV } from '../../../src/testing/stale-kv.ts'
import { startMiniflare } from '../../support/miniflare.ts'

test('in Node, over the binding that Miniflare gives out, a location is stale as in a Worker', async () => {
  const miniflare = await startMiniflare()
  try {
    const env = await miniflare.getBindings<{ BOT_KV: KV }>()
    let time = Date.now()
    const here = staleKV(env.BOT_KV, { now: () => time })
    const there = here.location()
    expect(await there.getWithMetadata('k')).toMatchObject({ value: null, metadata: null })
    await here.put('k', 'v', { metadata: { n: 1 } })
    await expect(there.put('k', 'w')).rejects.toThrow('KV PUT failed: 429 Too Many Requests')
    expect(await there.get('k')).toBeNull()
    expect(await there.get(['k', 'other'], 'text')).toEqual(
      new Map([
        ['k', null],
        ['other', null],
      ]),
    )
    expect(await here.get(['k'], 'text')).toEqual(new Map([['k', 'v']]))
    expect((await there.list({ prefix: 'k' })).keys).toEqual([])
    time += 60_000
    expect(await there.getWithMetadata('k')).toMatchObject({ value: 'v', metadata: { n: 1 } })
    expect((await there.list({ prefix: 'k' })).keys).toEqual([{ name: 'k', metadata: { n: 1 } }])
    await there.delete('k')
    expect(await here.get('k')).toBeNull()
  } finally {
    await miniflare.dispose()
  }
})

interface KV {
  get(key: string): Promise<string | null>
  get(keys: string[], type: 'text'): Promise<Map<string, string | null>>
  getWithMetadata(key: string): Promise<unknown>
  put(key: string, value: string, options?: object): Promise<void>
  delete(key: string): Promise<void>
  list(options: { prefix: string }): Promise<{ keys: unknown[] }>
}
