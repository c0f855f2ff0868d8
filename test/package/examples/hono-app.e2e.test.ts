import { expect, test, vi } from 'vitest'
import { INSTALL_TIMEOUT_MS } from '../support/consumer.ts'
import { useDeploy } from '../support/deploy.ts'

const deploy = useDeploy()

test(
  'the Hono example, without nodejs_compat, keeps notes with unstorage in a Durable Object',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const server = await deploy('hono-app')
    try {
      const put = async (path: string, body: string): Promise<number> =>
        (await server.fetch(path, { method: 'PUT', body })).status
      const get = async (path: string): Promise<unknown> => (await server.fetch(path)).json()

      expect((await server.fetch('/notes/a')).status).toBe(404)
      expect(await put('/notes/a', 'first')).toBe(204)
      expect(await put('/notes/b?ttl=1', 'second')).toBe(204)
      const read = await Promise.all(Array.from({ length: 50 }, () => get('/notes/a')))
      expect(new Set(read.map((each) => (each as { visits: number }).visits)).size).toBe(50)
      expect(await get('/notes/a')).toEqual({ note: 'first', visits: 51 })
      await vi.waitFor(async () => expect(await get('/notes')).toEqual(['a']), 10_000)
      for (const text of ['null', '42', '{"a":1}']) {
        expect(await put('/notes/json', text)).toBe(204)
        expect(await get('/notes/json')).toMatchObject({ note: text })
      }
      await server.fetch('/notes/json', { method: 'DELETE' })
      await server.fetch('/notes/a', { method: 'DELETE' })
      expect(await get('/notes')).toEqual([])
      expect(await put('/notes/a?ttl=-1', 'third')).toBe(500)
    } finally {
      await server.close()
    }
  },
)
