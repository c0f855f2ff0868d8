import { expect, test } from 'vitest'
import { eventually, type PageOrWorker, useChromium } from './support/chromium.ts'

const browser = useChromium()

const changesOf = (context: PageOrWorker): Promise<string[]> =>
  context.evaluate(() => harness.changes)

test('a watch receives the changes of another tab and of a worker, and ends with the right keys', async () => {
  const origin = browser.newOrigin()
  const [watching, writing] = await origin.openTwoTabs()
  const worker = await origin.startWorker(writing)
  await watching.evaluate(async () => {
    await harness.openStore()
    harness.watch()
  })
  for (const writer of [writing, worker]) {
    await watching.evaluate(() => void harness.changes.splice(0))
    await writer.evaluate(async () => {
      await harness.openStore()
      await harness.store.set('a', 1)
      await harness.store.delete('a')
      await harness.store.setMany({ b: 1, c: 2 })
      await harness.store.update('b', (n) => (n as number) + 1)
      await harness.store.pop('c')
      await harness.store.clear()
      await harness.store.set('end', 1)
    })
    // A change that a later one overtook may be left out.
    await eventually(() => changesOf(watching)).toContain('set end')
    const changes = await changesOf(watching)
    expect(changes).toContain('clear')
    const afterClear = changes.slice(changes.lastIndexOf('clear') + 1)
    expect(afterClear.filter((change) => change !== 'set end')).toEqual([])
  }
})

test('a watch receives each change of another tab and of a worker, if they are made one at a time', async () => {
  const origin = browser.newOrigin()
  const [watching, writing] = await origin.openTwoTabs()
  const worker = await origin.startWorker(writing)
  await watching.evaluate(async () => {
    await harness.openStore()
    harness.watch()
  })
  const expected: string[] = []
  const expectNext = async (...changes: readonly string[]): Promise<void> => {
    expected.push(...changes)
    await eventually(() => changesOf(watching)).toEqual(expected)
  }
  for (const writer of [writing, worker]) {
    await writer.evaluate(() => harness.openStore())
    await writer.evaluate(() => harness.store.set('a', 1))
    await expectNext('set a')
    await writer.evaluate(() => harness.store.setMany({ b: 1, c: 2 }))
    await expectNext('set b', 'set c')
    await writer.evaluate(() => harness.store.pop('b'))
    await expectNext('remove b')
    await writer.evaluate(() => harness.store.delete('a'))
    await expectNext('remove a')
    await writer.evaluate(() => harness.store.clear())
    await expectNext('clear')
    await writer.evaluate(() => harness.store.set('end', 1))
    await expectNext('set end')
  }
})

test('a watch in a worker receives the changes of a tab', async () => {
  const origin = browser.newOrigin()
  const tab = await origin.openTab()
  const worker = await origin.startWorker(tab)
  await worker.evaluate(async () => {
    await harness.openStore()
    harness.watch()
  })
  await tab.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
  })
  await eventually(() => changesOf(worker)).toEqual(['set a'])
})

test('a watch receives no change that was not stored, and none of another namespace', async () => {
  const [watching, writing] = await browser.newOrigin().openTwoTabs()
  await watching.evaluate(async () => {
    await harness.openStore()
    harness.watch()
  })
  await writing.evaluate(async () => {
    await harness.openStore()
    const other = await harness.runtime.open('ns2')
    await other.set('elsewhere', 1)
    await harness.errorOf(
      harness.store.update('failed', () => {
        throw new Error('no')
      }),
    )
    await harness.store.update('missing', () => undefined)
    await harness.store.set('end', 1)
  })
  await eventually(() => changesOf(watching)).toEqual(['set end'])
})

test('a watch receives the last change before another tab closes its store, and does not end with it', async () => {
  const [watching, writing] = await browser.newOrigin().openTwoTabs()
  await watching.evaluate(async () => {
    await harness.openStore()
    harness.watch()
  })
  for (const key of ['a', 'b', 'c']) {
    await writing.evaluate(async (last) => {
      await harness.openStore()
      harness.watch()
      await harness.store.set(last, 1)
      await harness.runtime.close()
    }, key)
  }
  await eventually(() => changesOf(watching)).toEqual(['set a', 'set b', 'set c'])
  await watching.evaluate(() => harness.store.close())
  await eventually(() => changesOf(watching)).toEqual(['set a', 'set b', 'set c', 'end'])
})

test('messages of other software on the channel are ignored', async () => {
  const [watching, writing] = await browser.newOrigin().openTwoTabs()
  await watching.evaluate(async () => {
    await harness.openStore()
    harness.watch()
  })
  await writing.evaluate(async () => {
    const channel = new BroadcastChannel(`botshelf:${harness.databaseName}`)
    const withChanges = { changes: [{ kind: 'set', key: 'not me' }] }
    const messages: unknown[] = [
      undefined,
      null,
      0,
      'set',
      [],
      {},
      new Map([['v', 1]]),
      { v: 1, id: 'a' },
      { v: 1, id: 'a', changes: null },
      { v: 1, id: 'a', changes: 'set' },
      { v: 1, id: 'a', changes: { length: 1, 0: withChanges.changes[0] } },
      { v: 1, id: 'a', changes: [null] },
      { v: 1, id: 'a', changes: [...withChanges.changes, { kind: 'set' }] },
      { v: 1, id: 'a', changes: [{ kind: 'set', key: 7 }] },
      { v: 1, id: 'a', changes: [{ kind: 'rename', key: 'a' }] },
      { ...withChanges, v: '1', id: 'a' },
      { ...withChanges, v: 1, id: 7 },
      { v: 1, id: 'never announced', done: true },
      { v: 1, id: 'a', done: 'some' },
      { v: 1, id: 'a', done: ['not me', 7] },
      { v: 1, id: 7, done: ['not me'] },
    ]
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the rule is for windows; postMessage() of a BroadcastChannel takes no origin
    for (const message of messages) channel.postMessage(message)
    await harness.openStore()
    await harness.store.set('end', 1)
  })
  await eventually(() => changesOf(watching)).toEqual(['set end'])
  expect(await watching.evaluate(() => harness.store.get('end'))).toBe(1)
})

// `Store.watch` promises: changes that are applied in order lead to the keys that exist.
test('a late message about a removal does not undo a newer set of another tab', async () => {
  const origin = browser.newOrigin()
  const [watching, slow] = await origin.openTwoTabs()
  const quick = await origin.openTab()
  await watching.evaluate(async () => {
    await harness.openStore()
    harness.watch()
  })
  await quick.evaluate(() => harness.openStore())
  await slow.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('k', 1)
  })
  await slow.evaluate(() => {
    const restore = harness.replaceMethod(
      IDBTransaction.prototype,
      'commit',
      (commit) =>
        function (this: IDBTransaction) {
          restore()
          commit.call(this)
          // Blocks this tab until the other one has set the key.
          const request = new XMLHttpRequest()
          do {
            request.open('GET', '/is-set', false)
            request.send()
          } while (request.responseText !== 'yes')
        },
    )
    setTimeout(() => void harness.store.delete('k'))
  })
  await quick.evaluate(async () => {
    while (await harness.store.has('k')) await new Promise((resolve) => setTimeout(resolve, 5))
    await harness.store.set('k', 2)
  })
  browser.responses['/is-set'] = 'yes'
  await slow.evaluate(() => harness.store.set('end', 1))
  await eventually(() => changesOf(watching)).toContain('set end')
  const keysFromChanges = (): Promise<string[]> =>
    watching.evaluate(() => {
      const keys = new Set<string>()
      for (const change of harness.changes) {
        const [kind, key] = change.split(' ') as [string, string]
        if (kind === 'set') keys.add(key)
        else keys.delete(key)
      }
      return [...keys].toSorted()
    })
  await eventually(keysFromChanges).toEqual(await watching.evaluate(() => harness.sortedKeys()))
})

test('a watch receives a change even if the tab that made it is closed right after the write began', async () => {
  const origin = browser.newOrigin()
  const [watching, writing] = await origin.openTwoTabs()
  await watching.evaluate(async () => {
    await harness.openStore()
    harness.watch()
  })
  for (let round = 0; round < 5; round++) {
    await writing.goto(writing.url())
    await writing.evaluate(() => harness.openStore())
    await writing.evaluate((key) => {
      void harness.store.set(key, 1)
      setTimeout(() => (location.href = 'about:blank'))
    }, `k${round}`)
    await writing.waitForURL('about:blank')
    await writing.goto(watching.url())
  }
  const keys = await watching.evaluate(() => harness.sortedKeys())
  await eventually(() => changesOf(watching)).toEqual(
    expect.arrayContaining(keys.map((key) => `set ${key}`)),
  )
})

test('a watch receives every write of a burst even if their tab is closed during it', async () => {
  const origin = browser.newOrigin()
  const [watching, writing] = await origin.openTwoTabs()
  await watching.evaluate(async () => {
    await harness.openStore()
    harness.watch()
  })
  await writing.evaluate(() => harness.openStore())
  await writing.evaluate(() => {
    void (async () => {
      for (let index = 0; index < 20; index++) await harness.store.set(`k${index}`, 1)
      setTimeout(() => (location.href = 'about:blank'))
      for (let index = 20; index < 1000; index++) await harness.store.set(`k${index}`, 1)
    })()
  })
  await writing.waitForURL('about:blank')
  const keys = await watching.evaluate(() => harness.sortedKeys())
  expect(keys.length).toBeGreaterThanOrEqual(20)
  await eventually(() => changesOf(watching)).toEqual(
    expect.arrayContaining(keys.map((key) => `set ${key}`)),
  )
})

test('a watch receives more changes at once than one message can name', async () => {
  const [watching, writing] = await browser.newOrigin().openTwoTabs()
  await watching.evaluate(async () => {
    await harness.openStore()
    harness.watch()
  })
  const keys = Array.from({ length: 1500 }, (_, index) => `k${index}`)
  await writing.evaluate(async (all) => {
    await harness.openStore()
    await harness.store.setMany(all.map((key) => [key, 1] as const))
  }, keys)
  await eventually(() => changesOf(watching)).toEqual(
    expect.arrayContaining(['clear', ...keys.map((key) => `set ${key}`)]),
  )
})

test('a watch receives a change that was announced before the watch started and applied after', async () => {
  const [watching, writing] = await browser.newOrigin().openTwoTabs()
  await watching.evaluate(async () => {
    await harness.openStore()
    const channel = new BroadcastChannel(`botshelf:${harness.databaseName}`)
    channel.addEventListener('message', ({ data }: MessageEvent<{ changes?: unknown }>) => {
      if (data.changes !== undefined) harness.watch()
    })
  })
  await writing.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('big', harness.randomBytes(20_000_000))
  })
  await eventually(() => changesOf(watching)).toEqual(['set big'])
})

test('a message of a later version of botshelf makes a watch list all keys again', async () => {
  const [watching, other] = await browser.newOrigin().openTwoTabs()
  await watching.evaluate(async () => {
    await harness.openStore()
    await harness.store.set('a', 1)
    harness.watch()
  })
  await other.evaluate(() => {
    const channel = new BroadcastChannel(`botshelf:${harness.databaseName}`)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the rule is for windows; postMessage() of a BroadcastChannel takes no origin
    channel.postMessage({ v: 2, id: 'x', news: [] })
  })
  await eventually(() => changesOf(watching)).toEqual(['clear', 'set a'])
})

test('a watch receives a write that was applied although its connection was lost', async () => {
  const tab = await browser.newOrigin().openTab()
  await tab.evaluate(async () => {
    harness.startRecording()
    await harness.openStore()
    await harness.store.set('a', 1)
    harness.watch()
    // The commit of the write is requested before the connection closes.
    harness.testing.closedIndexedDB({ mode: 'readwrite' })
    await harness.store.set('b', 2)
  })
  expect(await tab.evaluate(() => harness.store.get('b'))).toBe(2)
  await eventually(() => changesOf(tab)).toEqual(expect.arrayContaining(['set b']))
})
