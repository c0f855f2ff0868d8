import { expect, test } from 'vitest'
import { conformance } from '../src/conformance.js'
import { MemoryStoragePlugin } from '../adapters/memory.js'
import { runConformance } from './support/run-conformance.js'
import { SixStoragePlugin } from './support/six.js'

const plugin = new SixStoragePlugin({})
runConformance(
  'Third party, six methods',
  'Node',
  conformance({
    plugin: () => plugin,
    skip: { 'contract/restart': 'the data is in a Map, and gone with its plugin' },
  }),
)

const cases = (skip?: Record<string, string>): ReturnType<typeof conformance> =>
  conformance({ plugin: () => new MemoryStoragePlugin(), ...(skip ? { skip } : {}) })

test('skip: a case that is skipped is listed and resolves to its reason', async () => {
  const skipped = cases({ 'ttl/absent': 'no clock' }).find(({ id }) => id === 'ttl/absent')
  expect(await skipped?.run()).toBe('no clock')
  expect(cases({ 'ttl/absent': 'no clock' })).toHaveLength(cases().length)
})

test('skip: an unknown id throws, so that skips cannot rot', () => {
  expect(() => cases({ 'ttl/nope': 'reason' })).toThrow(RangeError)
})

test('ids: each is given once and stays what it is, since others skip by it', () => {
  const ids = cases().map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toMatchSnapshot()
})
