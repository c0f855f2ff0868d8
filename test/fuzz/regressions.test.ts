import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { causeViolations } from './cause-rules.ts'
import { DEFAULT_OPTIONS } from './model-options.ts'
import type { FuzzOperation } from './operations.ts'
import { runCase } from './run-case.ts'
import { sequentialViolations } from './sequential-rules.ts'

// Generated cases that failed once, shortened.

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterAll(() => {
  vi.useRealTimers()
})

const update = { action: 'valid', writesOwnKey: false } as const

test('a group whose updater awaits a write of a key that the group has read does not conflict to the end', async () => {
  const operations: readonly FuzzOperation[] = [
    { kind: 'update', key: 'a', timing: 'sync', ...update },
    // Its updater awaits an update of `a`.
    { kind: 'update', key: '', timing: 'nested', ...update },
    { kind: 'transaction', keys: ['', 'a'], action: 'valid', timing: 'sync', writes: 0 },
    { kind: 'append', key: 'a', value: 'valid' },
  ]
  const run = await runCase({
    options: {
      ...DEFAULT_OPTIONS,
      batchAcrossTicks: false,
      backend: 'transact',
      latencies: [
        { wait: 'task', takesEffectAtEnd: false },
        { wait: 0, takesEffectAtEnd: false },
        { wait: 'task', takesEffectAtEnd: false },
      ],
      foreignWrites: [{ nth: 0, does: 'append', which: 0 }],
    },
    ticks: [{ operations, next: 'settle', clockAdvanceMs: 0 }],
    order: [0],
    seed: 0,
  })
  expect(causeViolations(run)).toEqual([])
})

test('a read before a write whose outcome is not known does not show that write', async () => {
  const run = await runCase({
    options: {
      ...DEFAULT_OPTIONS,
      faults: [
        { on: 'write', nth: 1, kind: 'lost-answer' },
        { on: 'read', nth: 2, kind: 'corrupt' },
      ],
    },
    ticks: [
      {
        operations: [
          { kind: 'update', key: 'a', timing: 'sync', ...update },
          { kind: 'insert', key: 'b', value: 'valid' },
          { kind: 'getMany', keys: [] },
        ],
        next: 'microtask',
        clockAdvanceMs: 0,
      },
      {
        operations: [
          { kind: 'mutable', key: '', action: 'valid', timing: 'sync', initial: true },
          { kind: 'get', key: '' },
          { kind: 'get', key: 'a' },
        ],
        next: 'microtask',
        clockAdvanceMs: 0,
      },
      {
        operations: [
          { kind: 'mutable', key: '', action: 'valid', timing: 'sync', initial: false },
          { kind: 'setMany', keys: ['a'], value: 'valid' },
        ],
        next: 'microtask',
        clockAdvanceMs: 0,
      },
    ],
    order: [0],
    seed: 0,
  })
  expect(sequentialViolations(run)).toEqual([])
  expect(causeViolations(run)).toEqual([])
})

test('a size() that waits longer than close() does not reach the closed storage', async () => {
  const run = await runCase({
    options: {
      ...DEFAULT_OPTIONS,
      batchAcrossTicks: false,
      backend: 'transact',
      latencies: [{ wait: 'task', takesEffectAtEnd: false }],
      faults: [
        { on: 'write', nth: 0, kind: 'silent' },
        { on: 'write', nth: 2, kind: 'silent' },
      ],
    },
    ticks: [
      {
        operations: [{ kind: 'set', key: 'a', value: 'valid' }],
        next: 'microtask',
        clockAdvanceMs: 0,
      },
      {
        operations: [{ kind: 'update', key: 'a', timing: 'sync', ...update }],
        next: 'microtask',
        clockAdvanceMs: 0,
      },
      {
        operations: [
          { kind: 'update', key: 'a', timing: 'sync', ...update },
          { kind: 'size' },
          { kind: 'delete', key: 'a' },
        ],
        next: 'microtask',
        clockAdvanceMs: 0,
      },
    ],
    order: [0],
    seed: 0,
    isTimeLimited: true,
    closesEarly: true,
  })
  expect(causeViolations(run)).toEqual([])
})
