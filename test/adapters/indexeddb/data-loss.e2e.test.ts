import { expect, test } from 'vitest'
import { eventually, type PageOrWorker, useChromium } from './support/chromium.ts'

const browser = useChromium()

const eventsOf = (context: PageOrWorker): Promise<string[]> =>
  context.evaluate(() => harness.events)

test('clearing site data under an idle store emits data-lost once and `clear` to watches; writes work after it', async () => {
  const origin = browser.newOrigin()
  const tab = await origin.openTab()
  await tab.evaluate(async () => {
    await harness.openStore()
    harness.watch()
    await harness.store.set('a', 1)
    await harness.store.set('b', 1)
  })
  await origin.clearData()
  await eventually(() => eventsOf(tab)).toEqual(['data-lost', 'reopened'])
  expect(await tab.evaluate(() => harness.changes)).toEqual(['set a', 'set b', 'clear'])
  expect(await tab.evaluate(() => harness.sortedKeys())).toEqual([])
  await tab.evaluate(() => harness.store.set('c', 3))
  expect(await tab.evaluate(() => harness.storedKeys())).toEqual(['c'])
  expect(await eventsOf(tab)).toEqual(['data-lost', 'reopened'])
})

test('clearing site data again emits data-lost again, even if the store was not used in between', async () => {
  const origin = browser.newOrigin()
  const tab = await origin.openTab()
  await tab.evaluate(() => harness.openStore())
  for (let round = 1; round <= 3; round++) {
    const before = (await eventsOf(tab)).length
    const content = await tab.evaluate(() => harness.databaseContent())
    if (await origin.clearDataUntil(async () => (await eventsOf(tab)).length >= before + 2)) {
      expect((await eventsOf(tab)).slice(before, before + 2)).toEqual(['data-lost', 'reopened'])
    } else {
      // Chromium did not clear it: the same database is there, with the same identity.
      expect(await tab.evaluate(() => harness.databaseContent())).toEqual(content)
    }
  }
})

test('clearing site data emits data-lost in every tab and worker that has the namespace open', async () => {
  const origin = browser.newOrigin()
  const [first, second] = await origin.openTwoTabs()
  const contexts: PageOrWorker[] = [first, second, await origin.startWorker(first)]
  for (const context of contexts) {
    await context.evaluate(async () => {
      await harness.openStore()
      harness.watch()
    })
  }
  await first.evaluate(() => harness.store.set('a', 1))
  for (const context of contexts) {
    await eventually(() => context.evaluate(() => harness.changes)).toEqual(['set a'])
  }
  await origin.clearData()
  for (const context of contexts) await eventually(() => eventsOf(context)).toContain('reopened')
  for (const context of contexts) {
    expect(await context.evaluate(() => harness.changes)).toEqual(['set a', 'clear'])
    expect(await eventsOf(context)).toEqual(['data-lost', 'reopened'])
  }
})

test('clearing site data during writes: a watch receives `clear` after every change that was lost', async () => {
  const origin = browser.newOrigin()
  const tab = await origin.openTab()
  await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStore()
    harness.watch()
  })
  for (let round = 1; round <= 3; round++) {
    await tab.evaluate(() => {
      harness.changes.splice(0)
      harness.events.splice(0)
      harness.saved['stop'] = false
      harness.saved['resolved'] = 0
      const writers = [0, 1, 2, 3].map(async (writer) => {
        for (let index = 0; harness.saved['stop'] !== true; index++) {
          try {
            await harness.store.set(`${writer}-${index}`, harness.randomBytes(20_000))
            harness.saved['resolved'] = (harness.saved['resolved'] as number) + 1
          } catch (error) {
            if ((error as { code?: string }).code !== 'CONNECTION_LOST') throw error
          }
        }
      })
      void Promise.all(writers).then(() => (harness.saved['ended'] = true))
      harness.saved['ended'] = false
    })
    const resolved = (): Promise<number> => tab.evaluate(() => harness.saved['resolved'] as number)
    await eventually(resolved).toBeGreaterThan(10)
    const isCleared = await origin.clearDataUntil(async () =>
      (await eventsOf(tab)).includes('data-lost'),
    )
    const before = await resolved()
    await eventually(resolved).toBeGreaterThan(before + 10)
    await tab.evaluate(() => void (harness.saved['stop'] = true))
    await eventually(() => tab.evaluate(() => harness.saved['ended'])).toBe(true)
    await tab.evaluate(() => harness.store.set('last', 1))
    await eventually(async () => (await tab.evaluate(() => harness.changes)).at(-1)).toBe(
      'set last',
    )
    const changes = await tab.evaluate(() => harness.changes)
    const keysSetSinceLoss = changes
      .slice(changes.lastIndexOf('clear') + 1)
      .map((change) => change.replace('set ', ''))
    const keys = new Set(await tab.evaluate(() => harness.sortedKeys()))
    expect(keysSetSinceLoss.filter((key) => !keys.has(key))).toEqual([])
    expect(changes.includes('clear')).toBe(isCleared)
  }
  expect(await tab.evaluate(() => harness.recording.openCount())).toBe(1)
  await tab.evaluate(() => harness.runtime.close())
  expect(await tab.evaluate(() => harness.recording.openCount())).toBe(0)
})

test('after the browser closed the connection without data loss, it reconnects and emits only reopened', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStore()
    await harness.store.set('a', 1)
    const [connection] = harness.recording.connections
    connection?.close()
    connection?.dispatchEvent(new Event('close'))
  })
  await eventually(() => eventsOf(tab)).toEqual(['reopened'])
  expect(await tab.evaluate(() => harness.store.get('a'))).toBe(1)
  expect(await tab.evaluate(() => harness.recording.openCount())).toBe(1)
})

test('a close event of a connection that was replaced already does not reconnect again', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStore()
    const [connection] = harness.recording.connections
    connection?.close()
    await harness.store.set('a', 1)
    connection?.dispatchEvent(new Event('close'))
    await harness.store.set('b', 1)
    await harness.store.set('c', 1)
  })
  expect(await tab.evaluate(() => harness.recording.openCount())).toBe(1)
  expect(await eventsOf(tab)).toEqual(['reopened'])
  await tab.evaluate(() => harness.runtime.close())
  expect(await tab.evaluate(() => harness.recording.openCount())).toBe(0)
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
  test(`${operation} on a dead connection reconnects and works`, async () => {
    const tab = await browser.newOrigin().openTab()
    await tab.evaluate(async (name) => {
      harness.startRecording()
      await harness.openStore()
      await harness.store.set('a', 1)
      for (const connection of harness.recording.connections) connection.close()
      const { store } = harness
      const operations = {
        get: () => store.get('a'),
        set: () => store.set('a', 2),
        update: () => store.update('a', () => 2),
        delete: () => store.delete('a'),
        size: () => store.size(),
        keys: () => harness.sortedKeys(),
        clear: () => store.clear(),
        pop: () => store.pop('a'),
      }
      await operations[name]()
    }, operation)
    expect(await eventsOf(tab)).toEqual(['reopened'])
    expect(await tab.evaluate(() => harness.recording.connections.length)).toBe(2)
  })
}

test('calls reject with CONNECTION_LOST if every new connection is dead too, after few attempts to reconnect', async () => {
  const tab = await browser.newOrigin().openTab()
  const errors = await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStore()
    await harness.store.set('a', 1)
    const restore = harness.replaceMethod(IDBDatabase.prototype, 'transaction', () => () => {
      throw new DOMException('The database connection is closing.', 'InvalidStateError')
    })
    const results = [
      await harness.errorOf(harness.store.get('a')),
      await harness.errorOf(harness.store.set('a', 2)),
      await harness.errorOf(harness.store.update('a', () => 2)),
      await harness.errorOf(harness.store.clear()),
      await harness.errorOf(harness.store.size()),
    ]
    restore()
    return results
  })
  for (const error of errors) {
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', retryable: true })
  }
  expect(errors[0]).toMatchObject({ outcome: 'not-applied' })
  const connections = await tab.evaluate(() => harness.recording.connections.length)
  expect(connections).toBeLessThan(40)
  expect(await tab.evaluate(() => harness.store.get('a'))).toBe(1)
  expect(await tab.evaluate(() => harness.recording.openCount())).toBe(1)
})

test('deleting one namespace while no tab has it open emits data-lost once, at its next open', async () => {
  const [tab, other] = await browser.newOrigin().openTwoTabs()
  const reopenBoth = (): Promise<void> =>
    tab.evaluate(async () => {
      harness.events.splice(0)
      await harness.openStore()
      await harness.runtime.open('kept')
    })
  await reopenBoth()
  expect(await eventsOf(tab)).toEqual([])
  await tab.evaluate(async () => {
    await harness.store.set('a', 1)
    await harness.runtime.close()
  })
  await other.evaluate(() => harness.deleteDatabase())
  await reopenBoth()
  await eventually(() => eventsOf(tab)).toEqual(['data-lost'])
  await tab.evaluate(() => harness.runtime.close())
  await reopenBoth()
  // The identities were compared when close() has resolved.
  await tab.evaluate(() => harness.runtime.close())
  expect(await eventsOf(tab)).toEqual([])
})

test('data-lost is emitted in a worker, if it is the first to open the new database', async () => {
  const origin = browser.newOrigin()
  const [tab, other] = await origin.openTwoTabs()
  const worker = await origin.startWorker(tab)
  await tab.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
    await harness.runtime.close()
  })
  await other.evaluate(() => harness.deleteDatabase())
  await worker.evaluate(() => harness.openStore())
  await eventually(() => eventsOf(worker)).toEqual(['data-lost'])
})

test('data-lost is emitted even if the new connection is lost before the identities were compared', async () => {
  const origin = browser.newOrigin()
  const tab = await origin.openTab()
  await tab.evaluate(() => harness.openStore())
  // The identity is remembered once it was compared for the first time.
  await eventually(() => tab.evaluate(() => harness.rememberedIdentities())).toHaveLength(1)
  await tab.evaluate(async () => {
    harness.watch()
    await harness.store.set('a', 1)
    harness.testing.closedIndexedDB({ store: 'meta' })
  })
  await origin.clearData()
  await eventually(() => eventsOf(tab)).toEqual(['reopened', 'data-lost', 'reopened'])
  await eventually(() => tab.evaluate(() => harness.changes)).toEqual(['set a', 'clear'])
})

test('clearing site data while no tab is open emits no data-lost at the next visit', async () => {
  const origin = browser.newOrigin()
  const tab = await origin.openTab()
  await tab.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
  })
  await tab.close()
  await origin.clearData()
  const next = await origin.openTab()
  await next.evaluate(() => harness.openStore())
  expect(await next.evaluate(() => harness.store.get('a'))).toBe(undefined)
  expect(await eventsOf(next)).toEqual([])
})
