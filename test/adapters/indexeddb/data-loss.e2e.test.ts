import { expect, test } from 'vitest'
import { eventually, type Realm, useChromium } from './support/chromium.ts'

const browser = useChromium()

const events = (realm: Realm): Promise<string[]> => realm.evaluate(() => shelf.events)

test('site data cleared under an idle store: the loss is told once, watches get clear, writing goes on', async () => {
  const site = browser.site()
  const tab = await site.tab()
  await tab.evaluate(async () => {
    await shelf.open()
    shelf.watch()
    await shelf.store.set('a', 1)
    await shelf.store.set('b', 1)
  })
  await site.clearData()
  await eventually(() => events(tab)).toEqual(['data-lost', 'reopened'])
  expect(await tab.evaluate(() => shelf.told)).toEqual(['set a', 'set b', 'clear'])
  expect(await tab.evaluate(() => shelf.keys())).toEqual([])
  await tab.evaluate(() => shelf.store.set('c', 3))
  expect(await tab.evaluate(() => shelf.raw.keys(shelf.DATABASE))).toEqual(['c'])
  expect(await events(tab)).toEqual(['data-lost', 'reopened'])
})

test('site data cleared twice, with no use between: both losses are told', async () => {
  const site = browser.site()
  const tab = await site.tab()
  await tab.evaluate(() => shelf.open())
  for (let time = 1; time <= 3; time++) {
    const before = (await events(tab)).length
    const there = await tab.evaluate(() => shelf.raw.read(shelf.DATABASE))
    if (await site.clearDataUntil(async () => (await events(tab)).length >= before + 2)) {
      expect((await events(tab)).slice(before, before + 2)).toEqual(['data-lost', 'reopened'])
    } else {
      // Then nothing was lost: it is the same database, by its identity.
      expect(await tab.evaluate(() => shelf.raw.read(shelf.DATABASE))).toEqual(there)
    }
  }
})

test('site data cleared: every tab and worker that has the namespace open is told', async () => {
  const site = browser.site()
  const [first, second] = await site.twoTabs()
  const realms: Realm[] = [first, second, await site.worker(first)]
  for (const realm of realms) {
    await realm.evaluate(async () => {
      await shelf.open()
      shelf.watch()
    })
  }
  await first.evaluate(() => shelf.store.set('a', 1))
  for (const realm of realms) {
    await eventually(() => realm.evaluate(() => shelf.told)).toEqual(['set a'])
  }
  await site.clearData()
  for (const realm of realms) await eventually(() => events(realm)).toContain('reopened')
  for (const realm of realms) {
    expect(await realm.evaluate(() => shelf.told)).toEqual(['set a', 'clear'])
    expect(await events(realm)).toEqual(['data-lost', 'reopened'])
  }
})

test('site data cleared in the midst of writes: what resolved is there, or its loss was told after it', async () => {
  const site = browser.site()
  const tab = await site.tab()
  await tab.evaluate(async () => {
    shelf.record()
    await shelf.open()
    shelf.watch()
  })
  for (let round = 1; round <= 3; round++) {
    await tab.evaluate(() => {
      shelf.told.splice(0)
      shelf.events.splice(0)
      shelf.kept['stop'] = false
      shelf.kept['resolved'] = 0
      const writers = [0, 1, 2, 3].map(async (own) => {
        for (let at = 0; shelf.kept['stop'] !== true; at++) {
          try {
            await shelf.store.set(`${own}-${at}`, shelf.noise(20_000))
            shelf.kept['resolved'] = (shelf.kept['resolved'] as number) + 1
          } catch (error) {
            if ((error as { code?: string }).code !== 'CONNECTION_LOST') throw error
          }
        }
      })
      void Promise.all(writers).then(() => (shelf.kept['ended'] = true))
      shelf.kept['ended'] = false
    })
    const resolved = (): Promise<number> => tab.evaluate(() => shelf.kept['resolved'] as number)
    await eventually(resolved).toBeGreaterThan(10)
    const isCleared = await site.clearDataUntil(async () =>
      (await events(tab)).includes('data-lost'),
    )
    const before = await resolved()
    await eventually(resolved).toBeGreaterThan(before + 10)
    await tab.evaluate(() => void (shelf.kept['stop'] = true))
    await eventually(() => tab.evaluate(() => shelf.kept['ended'])).toBe(true)
    await tab.evaluate(() => shelf.store.set('last', 1))
    await eventually(async () => (await tab.evaluate(() => shelf.told)).at(-1)).toBe('set last')
    const told = await tab.evaluate(() => shelf.told)
    const since = told.slice(told.lastIndexOf('clear') + 1).map((each) => each.replace('set ', ''))
    const keys = new Set(await tab.evaluate(() => shelf.keys()))
    expect(since.filter((key) => !keys.has(key))).toEqual([])
    // What was told since the last loss is there: all of it, if there was none.
    expect(told.includes('clear')).toBe(isCleared)
  }
  expect(await tab.evaluate(() => shelf.recording.open())).toBe(1)
  await tab.evaluate(() => shelf.runtime.close())
  expect(await tab.evaluate(() => shelf.recording.open())).toBe(0)
})

test('a connection that the browser closed is made anew, with nothing lost and nothing said of loss', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(async () => {
    shelf.record()
    await shelf.open()
    await shelf.store.set('a', 1)
    const [connection] = shelf.recording.connections
    connection?.close()
    connection?.dispatchEvent(new Event('close'))
  })
  await eventually(() => events(tab)).toEqual(['reopened'])
  expect(await tab.evaluate(() => shelf.store.get('a'))).toBe(1)
  expect(await tab.evaluate(() => shelf.recording.open())).toBe(1)
})

test('a connection whose end is told only after it was replaced leaves a single one', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(async () => {
    shelf.record()
    await shelf.open()
    const [connection] = shelf.recording.connections
    connection?.close()
    await shelf.store.set('a', 1)
    connection?.dispatchEvent(new Event('close'))
    await shelf.store.set('b', 1)
    await shelf.store.set('c', 1)
  })
  expect(await tab.evaluate(() => shelf.recording.open())).toBe(1)
  expect(await events(tab)).toEqual(['reopened'])
  await tab.evaluate(() => shelf.runtime.close())
  expect(await tab.evaluate(() => shelf.recording.open())).toBe(0)
})

for (const operation of [
  'get',
  'set',
  'update',
  'delete',
  'size',
  'keys',
  'clear',
  'pop',
] as const) {
  test(`a dead connection: ${operation} works, after one that was made anew`, async () => {
    const tab = await browser.site().tab()
    await tab.evaluate(async (name) => {
      shelf.record()
      await shelf.open()
      await shelf.store.set('a', 1)
      for (const connection of shelf.recording.connections) connection.close()
      const { store } = shelf
      const operations = {
        get: () => store.get('a'),
        set: () => store.set('a', 2),
        update: () => store.update('a', () => 2),
        delete: () => store.delete('a'),
        size: () => store.size(),
        keys: () => shelf.keys(),
        clear: () => store.clear(),
        pop: () => store.pop('a'),
      }
      await operations[name]()
    }, operation)
    expect(await events(tab)).toEqual(['reopened'])
    expect(await tab.evaluate(() => shelf.recording.connections.length)).toBe(2)
  })
}

test('connections that are all dead at once: CONNECTION_LOST, and no end of opening', async () => {
  const tab = await browser.site().tab()
  const failures = await tab.evaluate(async () => {
    shelf.record()
    await shelf.open()
    await shelf.store.set('a', 1)
    const restore = shelf.replace(IDBDatabase.prototype, 'transaction', () => () => {
      throw new DOMException('The database connection is closing.', 'InvalidStateError')
    })
    const failed = [
      await shelf.failure(shelf.store.get('a')),
      await shelf.failure(shelf.store.set('a', 2)),
      await shelf.failure(shelf.store.update('a', () => 2)),
      await shelf.failure(shelf.store.clear()),
      await shelf.failure(shelf.store.size()),
    ]
    restore()
    return failed
  })
  for (const failure of failures) {
    expect(failure).toMatchObject({ code: 'CONNECTION_LOST', retryable: true })
  }
  expect(failures[0]).toMatchObject({ outcome: 'not-applied' })
  const connections = await tab.evaluate(() => shelf.recording.connections.length)
  expect(connections).toBeLessThan(40)
  expect(await tab.evaluate(() => shelf.store.get('a'))).toBe(1)
  expect(await tab.evaluate(() => shelf.recording.open())).toBe(1)
})

test('data that went while no tab had it open is told at the next open, in every namespace that lost it', async () => {
  const [tab, other] = await browser.site().twoTabs()
  const openAgain = (): Promise<void> =>
    tab.evaluate(async () => {
      shelf.events.splice(0)
      await shelf.open()
      await shelf.runtime.open('kept')
    })
  await openAgain()
  expect(await events(tab)).toEqual([])
  await tab.evaluate(async () => {
    await shelf.store.set('a', 1)
    await shelf.runtime.close()
  })
  await other.evaluate(() => shelf.raw.delete(shelf.DATABASE))
  await openAgain()
  await eventually(() => events(tab)).toEqual(['data-lost'])
  await tab.evaluate(() => shelf.runtime.close())
  await openAgain()
  // By then it has looked.
  await tab.evaluate(() => shelf.runtime.close())
  expect(await events(tab)).toEqual([])
})

test('data that went is told to the next page, even if a worker opened the database first', async () => {
  const site = browser.site()
  const [tab, other] = await site.twoTabs()
  const worker = await site.worker(tab)
  await tab.evaluate(async () => {
    await shelf.open()
    await shelf.store.set('a', 1)
    await shelf.runtime.close()
  })
  await other.evaluate(() => shelf.raw.delete(shelf.DATABASE))
  await worker.evaluate(() => shelf.open())
  await tab.evaluate(() => shelf.open())
  await eventually(() => events(tab)).toEqual(['data-lost'])
})

test('a connection that is lost while it is looked at is looked at again', async () => {
  const site = browser.site()
  const tab = await site.tab()
  await tab.evaluate(() => shelf.open())
  // It has looked once, and left its mark.
  await eventually(() => tab.evaluate(() => localStorage.length)).toBe(1)
  await tab.evaluate(async () => {
    shelf.watch()
    await shelf.store.set('a', 1)
    const restore = shelf.replace(
      IDBDatabase.prototype,
      'transaction',
      (transaction) =>
        function (this: IDBDatabase, ...given) {
          if (given[0] === 'meta') {
            restore()
            queueMicrotask(() => {
              this.close()
              this.dispatchEvent(new Event('close'))
            })
          }
          return transaction.apply(this, given)
        },
    )
  })
  await site.clearData()
  await eventually(() => events(tab)).toEqual(['reopened', 'data-lost', 'reopened'])
  await eventually(() => tab.evaluate(() => shelf.told)).toEqual(['set a', 'clear'])
})

test('who clears the whole site with no tab open is told nothing of it', async () => {
  const site = browser.site()
  const tab = await site.tab()
  await tab.evaluate(async () => {
    await shelf.open()
    await shelf.store.set('a', 1)
  })
  await tab.close()
  await site.clearData()
  const next = await site.tab()
  await next.evaluate(() => shelf.open())
  expect(await next.evaluate(() => shelf.store.get('a'))).toBe(undefined)
  expect(await events(next)).toEqual([])
})
