import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { DevServer } from '../../../scripts/dev-server.ts'
import { encode } from '../../../src/codec.ts'
import { STARTS_WITHIN, TestServers, TOKEN } from '../../worker/support/test-servers.ts'
import { AdminApi, at, type Reply, sealed } from './support/admin-api.ts'

const servers = new TestServers()
/** The lines that the Worker logged. */
const log: string[] = []
let server: DevServer

beforeAll(async () => {
  const options = { logs: true as const, onLine: (line: string): void => void log.push(line) }
  server = await servers.start(await servers.folder(), TOKEN, options)
}, STARTS_WITHIN)

afterAll(() => servers.stop(), 20_000)

const { call } = new AdminApi(() => server)

/** Resolves to the records that contain a text, once there is one. */
async function logged(words: string): Promise<Record<string, unknown>[]> {
  const found = (): Record<string, unknown>[] =>
    log
      .filter((line) => line.startsWith('{"audit"') && line.includes(words))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  await vi.waitFor(() => expect(found()).not.toEqual([]), 10_000)
  return found()
}

describe('each change is logged without values', () => {
  const secret = 'secret-value'
  const origin = { at: expect.any(String) as unknown, client: expect.any(String) as unknown }

  test('with its client, entries and storage', async () => {
    const entries = { a: encode(secret) }
    const storage = 'CloudflareKV'
    await call('PUT', at('AuditSet', storage), { entries: { old: encode(secret) } })
    await call('PUT', at('AuditMerge', storage), { entries: { b: encode(1) } })
    await call('PATCH', at('AuditMerge', storage), { entries, lists: 'append', remove: ['b'] })
    const entry = { namespace: 'AuditRestore', key: 'a', value: encode(secret) }
    const part = sealed({ after: null, entries: [entry], next: null })
    await call('POST', `/admin/restore?storage=${storage}`, { mode: 'merge', part })
    const done = { ...origin, storage, outcome: 'done' }
    expect(await logged('AuditSet')).toEqual([
      { ...done, audit: 'set', namespaces: { AuditSet: { set: ['old'], removed: [] } } },
    ])
    expect((await logged('AuditMerge')).at(-1)).toEqual({
      ...done,
      audit: 'merge',
      namespaces: { AuditMerge: { set: ['a'], removed: ['b'] } },
    })
    expect(await logged('AuditRestore')).toEqual([
      { ...done, audit: 'restore', namespaces: { AuditRestore: { set: ['a'], removed: [] } } },
    ])
  })

  test('also if the storage rejects an entry that passed the check', async () => {
    // Workers KV limits the encoded text, in which `<` takes six characters if a long text is repeated.
    const path = at('AuditFailed', 'CloudflareKV', '&as=json')
    const send = (first: string): Promise<Reply> => {
      const text = first + '<'.repeat(2_300_000)
      return call('PATCH', path, { entries: { list: [text, text] }, lists: 'append' })
    }
    expect((await send('a')).status).toBe(200)
    const reply = await send('b')
    expect([reply.status, reply.body.error]).toEqual([
      413,
      'The entry "list" of "AuditFailed" is too large for this storage.',
    ])
    await logged('AuditFailed')
    await logged('"failed"')
    const failed = log.filter((line) => line.includes('"failed"'))
    expect(failed.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        ...origin,
        audit: 'merge',
        storage: 'CloudflareKV',
        namespaces: { AuditFailed: { set: ['list'], removed: [] } },
        outcome: 'failed',
        code: 'TOO_LARGE',
      },
    ])
    expect(log.join('\n')).not.toContain(secret)
    expect(log.join('\n')).not.toContain(TOKEN)
  })
})
