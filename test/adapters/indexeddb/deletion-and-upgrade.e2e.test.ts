import { expect, test } from 'vitest'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium()

test('a deletion by another tab is not blocked and emits data-lost once; writes work after it', async () => {
  const [ours, other] = await browser.newOrigin().openTwoTabs()
  await ours.evaluate(async () => {
    await harness.openStore()
    harness.watch()
    await harness.store.set('a', 1)
  })
  const deleted = await other.evaluate(() => harness.deleteDatabase())
  expect(deleted).toEqual({ blocked: false })
  await eventually(() => ours.evaluate(() => harness.events)).toEqual(['data-lost'])
  await eventually(() => ours.evaluate(() => harness.changes)).toEqual(['set a', 'clear'])
  expect(await ours.evaluate(() => harness.store.get('a'))).toBe(undefined)
  await ours.evaluate(() => harness.store.set('b', 2))
  expect(await other.evaluate(() => harness.storedKeys())).toEqual(['b'])
  expect(await ours.evaluate(() => harness.events)).toEqual(['data-lost', 'reopened'])
  expect(await ours.evaluate(() => harness.changes)).toEqual(['set a', 'clear', 'set b'])
})

test('a second deletion emits data-lost a second time', async () => {
  const [ours, other] = await browser.newOrigin().openTwoTabs()
  await ours.evaluate(() => harness.openStore())
  for (let round = 1; round <= 2; round++) {
    await ours.evaluate(() => harness.store.set('a', 1))
    await other.evaluate(() => harness.deleteDatabase())
  }
  await eventually(() => ours.evaluate(() => harness.events)).toEqual([
    'data-lost',
    'reopened',
    'data-lost',
  ])
})

// The deletion waits for writes that have begun: they complete, and are deleted.
test('a deletion during writes: a watch receives `clear` after every change that was lost', async () => {
  const [ours, other] = await browser.newOrigin().openTwoTabs()
  await ours.evaluate(async () => {
    await harness.openStore()
    harness.watch()
    await harness.store.set('first', 1)
  })
  await ours.evaluate(() => {
    const value = harness.randomBytes(500_000)
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`)
    harness.saved['writing'] = Promise.all(keys.map((key) => harness.store.set(key, value)))
  })
  expect(await other.evaluate(() => harness.deleteDatabase())).toEqual({
    blocked: false,
  })
  await ours.evaluate(async () => void (await harness.saved['writing']))
  await ours.evaluate(() => harness.store.set('last', 1))
  await eventually(async () => (await ours.evaluate(() => harness.changes)).at(-1)).toBe('set last')
  const changes = await ours.evaluate(() => harness.changes)
  const keys = await ours.evaluate(() => harness.sortedKeys())
  const sinceLoss = changes.slice(changes.lastIndexOf('clear') + 1)
  expect(sinceLoss.map((change) => change.replace('set ', '')).toSorted()).toEqual(keys)
})

test('an upgrade by another tab is not blocked; then every call is VERSION_MISMATCH and changes nothing', async () => {
  const [ours, other] = await browser.newOrigin().openTwoTabs()
  await ours.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
  })
  const before = await other.evaluate(() => harness.databaseContent())
  const upgraded = await other.evaluate(() =>
    harness.rawIndexedDB.createOrUpgrade(harness.databaseName, 2),
  )
  expect(upgraded).toEqual({ blocked: false })
  const mismatch = { code: 'VERSION_MISMATCH', outcome: 'not-applied', retryable: false }
  const errors = await ours.evaluate(async () => [
    await harness.errorOf(harness.store.get('a')),
    await harness.errorOf(harness.store.set('a', 2)),
    await harness.errorOf(harness.store.update('a', () => 3)),
    await harness.errorOf(harness.store.delete('a')),
    await harness.errorOf(harness.store.size()),
    await harness.errorOf(harness.sortedKeys()),
    await harness.errorOf(harness.store.clear()),
    await harness.errorOf((await harness.startRuntime()).open('ns')),
  ])
  expect(errors).toEqual(errors.map(() => mismatch))
  expect(await other.evaluate(() => harness.databaseContent())).toEqual(before)
  expect(await ours.evaluate(() => harness.events)).toEqual([])
  await ours.evaluate(() => harness.runtime.close())
})

// Browsers fire `blocked` for the deletion that is blocked, not for an open behind it.
test('opening a database behind a blocked deletion is TIMEOUT after openTimeout, and works once that is over', async () => {
  const origin = browser.newOrigin()
  const [ours, holder] = await origin.openTwoTabs()
  const deleter = await origin.openTab()
  await holder.evaluate(async () => {
    await harness.rawIndexedDB.createOrUpgrade(harness.databaseName, 1)
    await harness.testing.blockedIndexedDB({ database: harness.databaseName })
  })
  await deleter.evaluate(() => harness.rawIndexedDB.startDelete(harness.databaseName))
  const opening = { config: { openTimeout: 200 } }
  for (let attempt = 1; attempt <= 2; attempt++) {
    const error = await ours.evaluate(
      (options) => harness.errorOf(harness.openStore(options)),
      opening,
    )
    expect(error).toEqual({ code: 'TIMEOUT', outcome: 'not-applied', retryable: true })
    expect(await ours.evaluate(() => harness.events)).toEqual([])
  }
  await holder.close()
  await deleter.evaluate(async () => void (await harness.rawIndexedDB.deletion))
  await ours.evaluate(async () => {
    await harness.openStore({ config: { openTimeout: 60_000 } })
    await harness.store.set('a', 1)
    await harness.runtime.close()
  })
  expect(await deleter.evaluate(() => harness.storedKeys())).toEqual(['a'])
  const deleted = await deleter.evaluate(() => harness.deleteDatabase())
  expect(deleted).toEqual({ blocked: false })
})

test('a connection that opens after openTimeout is closed at once', async () => {
  const origin = browser.newOrigin()
  const [ours, holder] = await origin.openTwoTabs()
  const deleter = await origin.openTab()
  await ours.evaluate(() => harness.startRecording())
  await holder.evaluate(async () => {
    await harness.rawIndexedDB.createOrUpgrade(harness.databaseName, 1)
    await harness.testing.blockedIndexedDB({ database: harness.databaseName })
  })
  await deleter.evaluate(() => harness.rawIndexedDB.startDelete(harness.databaseName))
  await ours.evaluate(() => harness.errorOf(harness.openStore({ config: { openTimeout: 100 } })))
  expect(await ours.evaluate(() => harness.recording.connections.length)).toBe(0)
  await holder.close()
  await eventually(() => ours.evaluate(() => harness.recording.connections.length)).toBe(1)
  await eventually(() => ours.evaluate(() => harness.recording.openCount())).toBe(0)
  const deleted = await deleter.evaluate(() => harness.deleteDatabase())
  expect(deleted).toEqual({ blocked: false })
})

test('a deletion while opening timed out emits data-lost at the next open', async () => {
  const origin = browser.newOrigin()
  const [ours, holder] = await origin.openTwoTabs()
  const deleter = await origin.openTab()
  await ours.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
    await harness.runtime.close()
    harness.startRecording()
  })
  await holder.evaluate(
    async () => void (await harness.testing.blockedIndexedDB({ database: harness.databaseName })),
  )
  await deleter.evaluate(() => harness.rawIndexedDB.startDelete(harness.databaseName))
  await ours.evaluate(() => harness.errorOf(harness.openStore({ config: { openTimeout: 100 } })))
  await holder.close()
  await eventually(() => ours.evaluate(() => harness.recording.connections.length)).toBe(1)
  await ours.evaluate(async () => {
    harness.events.splice(0)
    await harness.openStore()
  })
  expect(await ours.evaluate(() => harness.store.get('a'))).toBe(undefined)
  await eventually(() => ours.evaluate(() => harness.events)).toEqual(['data-lost'])
})
