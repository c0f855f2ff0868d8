import { afterEach, describe, expect, test } from 'vitest'
import { startMemory } from '../../scripts/test-soak/memory.ts'
import {
  hasLeak,
  isGrowing,
  type Sample,
  soak,
  type SoakTarget,
} from '../../scripts/test-soak/soak.ts'
import type { StorageBase, StoragePluginBase } from '../../src/index.ts'

/** As few batches as possible: one for each of the samples. */
const SHORT = { durationMs: 0, seed: 1 }
const CALLS = 10

/** A plugin whose storages keep 200 kB for each commit. */
function keepCommits(plugin: StoragePluginBase): StoragePluginBase {
  const kept: unknown[] = []
  const wrapStorage = (storage: StorageBase): StorageBase =>
    new Proxy(storage, {
      get(target, property) {
        if (property === 'commit') kept.push(Array.from({ length: 25_000 }, () => kept.length))
        const member: unknown = Reflect.get(target, property, target)
        return typeof member === 'function' ? (member.bind(target) as unknown) : member
      },
    })
  return new Proxy(plugin, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target)
      if (property === 'open')
        return async (...args: Parameters<StoragePluginBase['open']>) =>
          wrapStorage(await target.open(...args))
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

/** A target whose samples are given; the last one is measured after it was closed. */
function replaySamples(samples: readonly Sample[]): SoakTarget {
  let next = 0
  return {
    backend: 'B',
    engine: 'E',
    work: async () => ({ calls: 1, errors: {} }),
    sample: async () => samples[next++] ?? {},
    async close() {
      next = samples.length - 1
    },
    async stop() {},
  }
}

describe('a soak of Memory', () => {
  let target: SoakTarget | undefined
  afterEach(() => target?.stop())

  test('finds no growth in a mixed load', async () => {
    target = await startMemory(CALLS)
    const report = await soak(target, SHORT)
    expect(report.errors).toEqual({})
    expect(report.series.find(({ name }) => name === 'heapBytes')?.verdict).toBe('flat')
  })

  test('finds a wrapper that keeps memory for each commit', async () => {
    target = await startMemory(CALLS, keepCommits)
    const report = await soak(target, SHORT)
    expect(report.series.find(({ name }) => name === 'heapBytes')?.verdict).toBe('growing')
    expect(hasLeak(report)).toBe(true)
  })
})

describe('the verdict of a soak', () => {
  const flat = { heapBytes: 50_000_000, connections: 1 }

  test('memory grows if the last quarter is more than 1.1 times the second, and 2 MB', () => {
    const name = 'heapBytes'
    expect(isGrowing({ name, before: 50_000_000, after: 57_000_000 })).toBe(false)
    expect(isGrowing({ name, before: 50_000_000, after: 57_000_001 })).toBe(true)
  })

  test('a count grows if the last quarter is more than 1.1 times the second', () => {
    expect(isGrowing({ name: 'channels', before: 10, after: 11 })).toBe(false)
    expect(isGrowing({ name: 'channels', before: 10, after: 12 })).toBe(true)
    expect(isGrowing({ name: 'locks', before: 0, after: 1 })).toBe(true)
  })

  test('a connection more with each batch is growth', async () => {
    const samples = Array.from({ length: 14 }, (_, index) => ({ ...flat, connections: index }))
    const { series } = await soak(replaySamples(samples), SHORT)
    expect(series.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['heapBytes', 'flat'],
      ['connections', 'growing'],
    ])
  })

  test('growth in the first quarter is warm-up', async () => {
    const samples = Array.from({ length: 14 }, (_, index) => ({ x: Math.min(index, 3) }))
    expect((await soak(replaySamples([...samples, { x: 0 }]), SHORT)).series[0]?.verdict).toBe(
      'flat',
    )
  })

  test('what is still there after closing is left open', async () => {
    const samples = [{ connections: 0 }, ...Array.from({ length: 12 }, () => ({ connections: 2 }))]
    const left = await soak(replaySamples([...samples, { connections: 1 }]), SHORT)
    expect(left.series[0]?.verdict).toBe('left open')
    const closed = await soak(replaySamples([...samples, { connections: 0 }]), SHORT)
    expect(closed.series[0]?.verdict).toBe('flat')
  })

  test('calls that do not settle end a soak, and it has failed', async () => {
    const target = {
      ...replaySamples([flat]),
      work: () => Promise.reject(new Error('3 calls had not settled after 180 s')),
    }
    const report = await soak(target, SHORT)
    expect(report.stopped).toBe('Error: 3 calls had not settled after 180 s')
    expect(hasLeak(report)).toBe(true)
  })
})
