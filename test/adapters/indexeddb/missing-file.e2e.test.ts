import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { useChromium } from './support/chromium.ts'

const browser = useChromium()

const KEYS = ['a', 'b', 'bad', 'c', 'd'] as const
const CORRUPT = { code: 'CORRUPT', key: 'bad', outcome: 'not-applied', retryable: false }

/**
 * Stores entries, of which Chromium keeps the largest in a file, and deletes that file while the
 * browser is closed. Resolves to a new tab with the store open.
 */
async function loseFile(count = 0): Promise<Page> {
  const origin = browser.newOrigin()
  const tab = await origin.openTab()
  const sizeBytes = await tab.evaluate(
    async ({ keys, more }) => {
      await harness.openStore()
      for (const key of keys) await harness.store.set(key, key)
      const others = Array.from({ length: more }, (_, index): [string, number] => [
        `${index}`.padStart(4, '0'),
        index,
      ])
      await harness.store.setMany(Object.fromEntries(others))
      const value = harness.randomBytes(1_500_000 + Math.floor(Math.random() * 100_000))
      await harness.store.set('bad', value)
      await harness.runtime.close()
      return value.length
    },
    { keys: KEYS, more: count },
  )
  await browser.restart(async (profile) => {
    const folder = join(profile, 'Default', 'IndexedDB')
    const paths = await readdir(folder, { recursive: true })
    const host = new URL(origin.url).hostname
    const isLost = await Promise.all(
      paths.map(async (path) => {
        const { size } = await stat(join(folder, path))
        const isBlob = path.includes(host) && path.includes('.blob')
        return isBlob && size >= sizeBytes && size < sizeBytes + 10_000
      }),
    )
    const lost = paths.filter((_, index) => isLost[index])
    expect(lost).toHaveLength(1)
    for (const path of lost) await rm(join(folder, path))
  })
  const next = await origin.openTab()
  await next.evaluate(async () => {
    await harness.openStore()
    harness.saved['errorOf'] = async (promise: Promise<unknown>) => {
      try {
        return { resolved: await promise }
      } catch (error) {
        const { code, key, outcome, retryable } = error as Record<string, unknown>
        return { code, key, outcome, retryable }
      }
    }
    harness.saved['list'] = async (listing: AsyncIterable<[string, unknown]>) => {
      const keys: string[] = []
      const errorOf = harness.saved['errorOf'] as (promise: Promise<unknown>) => Promise<unknown>
      const iterate = async (): Promise<void> => {
        for await (const [key] of listing) keys.push(key)
      }
      return { error: await errorOf(iterate()), keys }
    }
  })
  return next
}

interface Listed {
  readonly keys: readonly string[]
  readonly error: unknown
}
type List = (listing: AsyncIterable<[string, unknown]>) => Promise<Listed>
type ErrorOf = (promise: Promise<unknown>) => Promise<unknown>

test('a value whose file is missing is CORRUPT with its key, and only its own call rejects', async () => {
  const tab = await loseFile()
  const results = await tab.evaluate(async (keys) => {
    const errorOf = harness.saved['errorOf'] as ErrorOf
    const together = await Promise.all(keys.map((key) => errorOf(harness.store.get(key))))
    return {
      together,
      many: await errorOf(harness.store.getMany(['a', 'bad', 'c'])),
      update: await errorOf(harness.store.update('bad', () => 1)),
      step: await errorOf(harness.store.transaction(['a', 'bad'], () => ({ a: 2 }))),
      mixed: await Promise.all([
        errorOf(harness.store.update('a', (value) => `${String(value)}!`)),
        errorOf(harness.store.update('bad', () => 1)),
        errorOf(harness.store.set('d', 'D')),
      ]),
      a: await harness.store.get('a'),
      d: await harness.store.get('d'),
    }
  }, KEYS)
  expect(results).toEqual({
    together: KEYS.map((key) => (key === 'bad' ? CORRUPT : { resolved: key })),
    many: CORRUPT,
    update: CORRUPT,
    step: CORRUPT,
    mixed: [{ resolved: 'a!' }, CORRUPT, { resolved: undefined }],
    a: 'a!',
    d: 'D',
  })
})

test('a listing delivers the entries before a value whose file is missing, and continues behind its key', async () => {
  const tab = await loseFile(700)
  const results = await tab.evaluate(async () => {
    const list = harness.saved['list'] as List
    return {
      keyCount: (await harness.sortedKeys()).length,
      size: await harness.store.size(),
      all: await list(harness.store.entries()),
      reverse: await list(harness.store.entries({ reverse: true })),
      behind: await list(harness.store.entries({ after: 'bad' })),
      before: await list(harness.store.entries({ limit: 702 })),
    }
  })
  expect(results).toMatchObject({
    keyCount: 705,
    size: 705,
    reverse: { keys: ['d', 'c'], error: CORRUPT },
    behind: { keys: ['c', 'd'], error: { resolved: undefined } },
    before: { error: { resolved: undefined } },
  })
  expect(results.all.error).toEqual(CORRUPT)
  expect(results.all.keys).toHaveLength(702)
  expect(results.all.keys.slice(-2)).toEqual(['a', 'b'])
  expect(results.before.keys).toEqual(results.all.keys)
})

const REPAIRS: [string, () => Promise<unknown>][] = [
  ['set', () => harness.store.set('bad', 'new')],
  ['delete', () => harness.store.delete('bad')],
  ['clear', () => harness.store.clear()],
]

test.each(REPAIRS)('%s repairs a key whose file is missing', async (name, repair) => {
  const tab = await loseFile()
  await tab.evaluate(repair)
  const found = await tab.evaluate(async () => [
    await harness.store.get('bad'),
    (await harness.sortedKeys()).length,
  ])
  expect(found).toEqual({ set: ['new', 5], delete: [undefined, 4], clear: [undefined, 0] }[name])
})
