import { expect, test } from 'vitest'
import { eventually, useChromium } from './support/chromium.ts'

const browser = useChromium()

test('another tab deletes the database: nobody is in its way, the loss is told once, writing goes on', async () => {
  const [ours, other] = await browser.site().twoTabs()
  await ours.evaluate(async () => {
    await shelf.open()
    shelf.watch()
    await shelf.store.set('a', 1)
  })
  const deleted = await other.evaluate(() => shelf.raw.delete(shelf.DATABASE))
  expect(deleted).toEqual({ blocked: false })
  await eventually(() => ours.evaluate(() => shelf.events)).toEqual(['data-lost'])
  await eventually(() => ours.evaluate(() => shelf.told)).toEqual(['set a', 'clear'])
  expect(await ours.evaluate(() => shelf.store.get('a'))).toBe(undefined)
  await ours.evaluate(() => shelf.store.set('b', 2))
  expect(await other.evaluate(() => shelf.raw.keys(shelf.DATABASE))).toEqual(['b'])
  expect(await ours.evaluate(() => shelf.events)).toEqual(['data-lost', 'reopened'])
  expect(await ours.evaluate(() => shelf.told)).toEqual(['set a', 'clear', 'set b'])
})

test('deleted a second time, the loss is told a second time', async () => {
  const [ours, other] = await browser.site().twoTabs()
  await ours.evaluate(() => shelf.open())
  for (let time = 0; time < 2; time++) {
    await ours.evaluate(() => shelf.store.set('a', 1))
    await other.evaluate(() => shelf.raw.delete(shelf.DATABASE))
  }
  await eventually(() => ours.evaluate(() => shelf.events)).toEqual([
    'data-lost',
    'reopened',
    'data-lost',
  ])
})

// Those writes complete before the deletion does, which waits for them.
test('deleted in the midst of writes: a write that resolves after the loss was told is there, or its own loss is told', async () => {
  const [ours, other] = await browser.site().twoTabs()
  await ours.evaluate(async () => {
    await shelf.open()
    shelf.watch()
    await shelf.store.set('first', 1)
  })
  await ours.evaluate(() => {
    const value = shelf.noise(500_000)
    const keys = Array.from({ length: 60 }, (_, at) => `k${at}`)
    shelf.kept['writing'] = Promise.all(keys.map((key) => shelf.store.set(key, value)))
  })
  expect(await other.evaluate(() => shelf.raw.delete(shelf.DATABASE))).toEqual({ blocked: false })
  await ours.evaluate(async () => void (await shelf.kept['writing']))
  await ours.evaluate(() => shelf.store.set('last', 1))
  await eventually(async () => (await ours.evaluate(() => shelf.told)).at(-1)).toBe('set last')
  const told = await ours.evaluate(() => shelf.told)
  const keys = await ours.evaluate(() => shelf.keys())
  const sinceLoss = told.slice(told.lastIndexOf('clear') + 1)
  expect(sinceLoss.map((change) => change.replace('set ', '')).toSorted()).toEqual(keys)
})

test('another tab upgrades the database: nobody is in its way, and nothing of it is touched', async () => {
  const [ours, other] = await browser.site().twoTabs()
  await ours.evaluate(async () => {
    await shelf.open()
    await shelf.store.set('a', 1)
  })
  const before = await other.evaluate(() => shelf.raw.read(shelf.DATABASE))
  const upgraded = await other.evaluate(() => shelf.raw.make(shelf.DATABASE, 2))
  expect(upgraded).toEqual({ blocked: false })
  const mismatch = { code: 'VERSION_MISMATCH', outcome: 'not-applied', retryable: false }
  const failures = await ours.evaluate(async () => [
    await shelf.failure(shelf.store.get('a')),
    await shelf.failure(shelf.store.set('a', 2)),
    await shelf.failure(shelf.store.update('a', () => 3)),
    await shelf.failure(shelf.store.delete('a')),
    await shelf.failure(shelf.store.size()),
    await shelf.failure(shelf.keys()),
    await shelf.failure(shelf.store.clear()),
    await shelf.failure((await shelf.start()).open('ns')),
  ])
  expect(failures).toEqual(failures.map(() => mismatch))
  expect(await other.evaluate(() => shelf.raw.read(shelf.DATABASE))).toEqual(before)
  expect(await ours.evaluate(() => shelf.events)).toEqual([])
  await ours.evaluate(() => shelf.runtime.close())
})

test('a database in the way of which a tab stands: BLOCKED in time, and once the tab is gone it opens', async () => {
  const site = browser.site()
  const [ours, holder] = await site.twoTabs()
  const deleter = await site.tab()
  await holder.evaluate(async () => {
    await shelf.raw.make(shelf.DATABASE, 1)
    await shelf.raw.hold(shelf.DATABASE)
  })
  await deleter.evaluate(() => shelf.raw.deleteBlocked(shelf.DATABASE))
  const opening = { config: { openTimeout: 200 } }
  for (let time = 1; time <= 2; time++) {
    const failed = await ours.evaluate((options) => shelf.failure(shelf.open(options)), opening)
    expect(failed).toEqual({ code: 'BLOCKED', outcome: 'not-applied', retryable: true })
    expect(await ours.evaluate(() => shelf.events)).toEqual(Array(time).fill('blocked'))
  }
  await holder.close()
  await deleter.evaluate(async () => void (await shelf.raw.deleted))
  await ours.evaluate(async () => {
    await shelf.open({ config: { openTimeout: 60_000 } })
    await shelf.store.set('a', 1)
    await shelf.runtime.close()
  })
  expect(await deleter.evaluate(() => shelf.raw.keys(shelf.DATABASE))).toEqual(['a'])
  const deleted = await deleter.evaluate(() => shelf.raw.delete(shelf.DATABASE))
  expect(deleted).toEqual({ blocked: false })
})

test('a connection that comes after its time does not stay open', async () => {
  const site = browser.site()
  const [ours, holder] = await site.twoTabs()
  const deleter = await site.tab()
  await ours.evaluate(() => shelf.record())
  await holder.evaluate(async () => {
    await shelf.raw.make(shelf.DATABASE, 1)
    await shelf.raw.hold(shelf.DATABASE)
  })
  await deleter.evaluate(() => shelf.raw.deleteBlocked(shelf.DATABASE))
  await ours.evaluate(() => shelf.failure(shelf.open({ config: { openTimeout: 100 } })))
  expect(await ours.evaluate(() => shelf.recording.connections.length)).toBe(0)
  await holder.close()
  await eventually(() => ours.evaluate(() => shelf.recording.connections.length)).toBe(1)
  await eventually(() => ours.evaluate(() => shelf.recording.open())).toBe(0)
  const deleted = await deleter.evaluate(() => shelf.raw.delete(shelf.DATABASE))
  expect(deleted).toEqual({ blocked: false })
})

test('data that was deleted while opening took too long is told at the next open', async () => {
  const site = browser.site()
  const [ours, holder] = await site.twoTabs()
  const deleter = await site.tab()
  await ours.evaluate(async () => {
    await shelf.open()
    await shelf.store.set('a', 1)
    await shelf.runtime.close()
    shelf.record()
  })
  await holder.evaluate(() => shelf.raw.hold(shelf.DATABASE))
  await deleter.evaluate(() => shelf.raw.deleteBlocked(shelf.DATABASE))
  await ours.evaluate(() => shelf.failure(shelf.open({ config: { openTimeout: 100 } })))
  await holder.close()
  await eventually(() => ours.evaluate(() => shelf.recording.connections.length)).toBe(1)
  await ours.evaluate(async () => {
    shelf.events.splice(0)
    await shelf.open()
  })
  expect(await ours.evaluate(() => shelf.store.get('a'))).toBe(undefined)
  await eventually(() => ours.evaluate(() => shelf.events)).toEqual(['data-lost'])
})
