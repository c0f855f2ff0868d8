import type { AuditRecord } from 'botshelf/admin'
import { expect, test, vi } from 'vitest'
import { logChange } from '../../../worker/http/audit.ts'

type Changes = AuditRecord['changes']

/** Returns the text that a record logs. */
function logged(
  record: Partial<AuditRecord>,
  request: Pick<Request, 'headers'> = from('192.0.2.1'),
): string {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  logChange(
    { kind: 'set', storage: 'DurableObject', changes: [], outcome: 'done', ...record },
    request as Request,
  )
  const calls = log.mock.calls
  log.mockRestore()
  expect(calls).toHaveLength(1)
  expect(calls[0]).toHaveLength(1)
  return String(calls[0]?.[0])
}

function parsed(record: Partial<AuditRecord>): unknown {
  return JSON.parse(logged(record))
}

/** Creates a request from a client address, which may be invalid. */
function from(address: string): Pick<Request, 'headers'> {
  return { headers: { get: () => address } as unknown as Headers }
}

const set = (namespace: string, key: string): Changes[number] => ({
  namespace,
  key,
  value: '1:[1]',
})
const remove = (namespace: string, key: string): Changes[number] => ({
  namespace,
  key,
  remove: true,
})

function keys(count: number, namespace = 'n', change = set): Changes[number][] {
  return Array.from({ length: count }, (_, index) => change(namespace, `k${index}`))
}

test('a line says who changed which entries of which storage, when, and with what outcome', () => {
  const changes = [set('Karma', 'ann'), remove('Todo', 'bob'), remove('Karma', 'zoe')]
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2, 12) })
  try {
    expect(parsed({ kind: 'restore', changes, outcome: 'failed', code: 'TOO_LARGE' })).toEqual({
      audit: 'restore',
      at: '2026-01-02T12:00:00.000Z',
      client: '192.0.2.1',
      storage: 'DurableObject',
      namespaces: {
        Karma: { set: ['ann'], removed: ['zoe'] },
        Todo: { set: [], removed: ['bob'] },
      },
      outcome: 'failed',
      code: 'TOO_LARGE',
    })
  } finally {
    vi.useRealTimers()
  }
})

test('a line has no values', () => {
  const changes = [{ namespace: 'n', key: 'k', value: 'a secret', extra: 'a secret' }]
  expect(logged({ changes })).not.toContain('secret')
})

test('a line names at most 20 keys of a namespace and counts the others', () => {
  const removed = keys(5, 'm', remove)
  const line = parsed({ changes: [...keys(25), ...removed, ...keys(20, 'full')] })
  expect(line).toMatchObject({
    namespaces: {
      n: { set: keys(20).map(({ key }) => key), removed: [], more: 5 },
      m: { set: [], removed: ['k0', 'k1', 'k2', 'k3', 'k4'] },
    },
  })
  expect(line).not.toHaveProperty('namespaces.full.more')
  expect(line).not.toHaveProperty('moreNamespaces')
})

test('a line names at most 20 namespaces and counts the others', () => {
  const changes = Array.from({ length: 23 }, (_, index) => set(`n${index}`, 'k'))
  const line = parsed({ changes }) as { namespaces: object }
  expect(Object.keys(line.namespaces)).toHaveLength(20)
  expect(line).toHaveProperty('moreNamespaces', 3)
})

test('an entry that is changed twice is named once, with its last change', () => {
  const changes = [...keys(1), ...keys(1), remove('n', 'k0')]
  expect(parsed({ changes })).toHaveProperty('namespaces', { n: { set: [], removed: ['k0'] } })
})

test('a hostile name stays on one line and is logged as it is', () => {
  const name = 'a\nb\r\u2028\u2029\u0085\u001b[2J"}\u0000'
  const changes = ['k', name, '__proto__'].flatMap((key) => [set(name, key), set('__proto__', key)])
  const text = logged({ changes, storage: name, code: name }, from(name))
  // oxlint-disable-next-line no-control-regex -- those are what it must not hold
  expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  const line = JSON.parse(text) as { namespaces: object }
  expect(Object.entries(line.namespaces)).toEqual([
    [name, { set: ['k', name, '__proto__'], removed: [] }],
    ['__proto__', { set: ['k', name, '__proto__'], removed: [] }],
  ])
  expect(line).toMatchObject({ client: name.toLowerCase(), storage: name, code: name })
})

test('a line is under 256 KB for any names', () => {
  const changes = Array.from({ length: 30 }, (_, namespace) =>
    Array.from({ length: 30 }, (__, key) =>
      set(`${namespace}${'\u0000'.repeat(2000)}`, `${key}${'\ud800'.repeat(2000)}`),
    ),
  ).flat()
  const text = logged({ changes })
  expect(new TextEncoder().encode(text).length).toBeLessThan(256_000)
  expect(text).toContain('…')
})
