import { expect, test, vi } from 'vitest'
import { audit, type AuditedChange, type AuditLine } from '../../../worker/http/audit.ts'

/** The text that is logged. */
function logged(line: Partial<AuditLine>): string {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  audit({
    audit: 'set',
    client: '192.0.2.1',
    storage: 'DurableObject',
    changes: [],
    outcome: 'done',
    ...line,
  })
  const calls = log.mock.calls
  log.mockRestore()
  expect(calls).toHaveLength(1)
  expect(calls[0]).toHaveLength(1)
  return String(calls[0]?.[0])
}

function parsed(line: Partial<AuditLine>): unknown {
  return JSON.parse(logged(line))
}

function keys(count: number, namespace = 'n'): AuditedChange[] {
  return Array.from({ length: count }, (_, index) => ({ namespace, key: `k${index}` }))
}

test('says who changed which entries of which storage, when, and what came of it', () => {
  const changes = [
    { namespace: 'Karma', key: 'ann', value: '[5]' },
    { namespace: 'Todo', key: 'bob', remove: true as const },
    { namespace: 'Karma', key: 'zoe', remove: true as const },
  ]
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2, 12) })
  try {
    expect(parsed({ audit: 'restore', changes, outcome: 'failed', code: 'TOO_LARGE' })).toEqual({
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

test('says no value', () => {
  const changes = [{ namespace: 'n', key: 'k', value: 'a secret', extra: 'a secret' }]
  expect(logged({ changes })).not.toContain('secret')
})

test('names at most 20 keys of a namespace, and counts the others', () => {
  const removed = keys(5).map((change) => ({ ...change, namespace: 'm', remove: true as const }))
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

test('names at most 20 namespaces, and counts the others', () => {
  const changes = Array.from({ length: 23 }, (_, index) => ({ namespace: `n${index}`, key: 'k' }))
  const line = parsed({ changes }) as { namespaces: object }
  expect(Object.keys(line.namespaces)).toHaveLength(20)
  expect(line).toHaveProperty('moreNamespaces', 3)
})

test('an entry that is changed twice is named once, as it was changed last', () => {
  const changes = [...keys(1), ...keys(1), { namespace: 'n', key: 'k0', remove: true as const }]
  expect(parsed({ changes })).toHaveProperty('namespaces', { n: { set: [], removed: ['k0'] } })
})

test('a hostile name stays on one line, and becomes nothing else', () => {
  const name = 'a\nb\r\u2028\u2029\u0085\u001b[2J"}\u0000'
  const changes = ['k', name, '__proto__'].flatMap((key) => [
    { namespace: name, key },
    { namespace: '__proto__', key },
  ])
  const text = logged({ changes, client: name, storage: name, code: name })
  // oxlint-disable-next-line no-control-regex -- those are what it must not hold
  expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
  const line = JSON.parse(text) as { namespaces: object }
  expect(Object.entries(line.namespaces)).toEqual([
    [name, { set: ['k', name, '__proto__'], removed: [] }],
    ['__proto__', { set: ['k', name, '__proto__'], removed: [] }],
  ])
  expect(line).toMatchObject({ client: name, storage: name, code: name })
})

test('a line is under 256 KB, whatever the names are', () => {
  const changes = Array.from({ length: 30 }, (_, namespace) =>
    Array.from({ length: 30 }, (__, key) => ({
      namespace: `${namespace}${'\u0000'.repeat(2000)}`,
      key: `${key}${'\ud800'.repeat(2000)}`,
    })),
  ).flat()
  const text = logged({ changes })
  expect(new TextEncoder().encode(text).length).toBeLessThan(256_000)
  expect(text).toContain('…')
})
