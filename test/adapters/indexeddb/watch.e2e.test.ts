import { expect, test } from 'vitest'
import { eventually, type Realm, useChromium } from './support/chromium.ts'

const browser = useChromium()

const heard = (realm: Realm): Promise<string[]> => realm.evaluate(() => shelf.told)

test('a tab is told what another tab and a worker set, remove and clear', async () => {
  const site = browser.site()
  const [watching, writing] = await site.twoTabs()
  const worker = await site.worker(writing)
  await watching.evaluate(async () => {
    await shelf.open()
    shelf.watch()
  })
  for (const realm of [writing, worker]) {
    await watching.evaluate(() => void shelf.told.splice(0))
    await realm.evaluate(async () => {
      await shelf.open()
      await shelf.store.set('a', 1)
      await shelf.store.delete('a')
      await shelf.store.setMany({ b: 1, c: 2 })
      await shelf.store.update('b', (n) => (n as number) + 1)
      await shelf.store.pop('c')
      await shelf.store.clear()
      await shelf.store.set('end', 1)
    })
    // What is told is how the keys are by then, so what was overtaken need not be told.
    await eventually(() => heard(watching)).toContain('set end')
    const told = await heard(watching)
    expect(told).toContain('clear')
    expect(told.slice(told.lastIndexOf('clear') + 1).filter((each) => each !== 'set end')).toEqual(
      [],
    )
  }
})

test('step by step, a tab is told each change of another tab and of a worker as it is', async () => {
  const site = browser.site()
  const [watching, writing] = await site.twoTabs()
  const worker = await site.worker(writing)
  await watching.evaluate(async () => {
    await shelf.open()
    shelf.watch()
  })
  const told: string[] = []
  const tells = async (...changes: readonly string[]): Promise<void> => {
    told.push(...changes)
    await eventually(() => heard(watching)).toEqual(told)
  }
  for (const realm of [writing, worker]) {
    await realm.evaluate(() => shelf.open())
    await realm.evaluate(() => shelf.store.set('a', 1))
    await tells('set a')
    await realm.evaluate(() => shelf.store.setMany({ b: 1, c: 2 }))
    await tells('set b', 'set c')
    await realm.evaluate(() => shelf.store.pop('b'))
    await tells('remove b')
    await realm.evaluate(() => shelf.store.delete('a'))
    await tells('remove a')
    await realm.evaluate(() => shelf.store.clear())
    await tells('clear')
    await realm.evaluate(() => shelf.store.set('end', 1))
    await tells('set end')
  }
})

test('a worker is told what a tab does', async () => {
  const site = browser.site()
  const tab = await site.tab()
  const worker = await site.worker(tab)
  await worker.evaluate(async () => {
    await shelf.open()
    shelf.watch()
  })
  await tab.evaluate(async () => {
    await shelf.open()
    await shelf.store.set('a', 1)
  })
  await eventually(() => heard(worker)).toEqual(['set a'])
})

test('nobody is told of what was not stored, nor of another namespace', async () => {
  const [watching, writing] = await browser.site().twoTabs()
  await watching.evaluate(async () => {
    await shelf.open()
    shelf.watch()
  })
  await writing.evaluate(async () => {
    await shelf.open()
    const other = await shelf.runtime.open('ns2')
    await other.set('elsewhere', 1)
    await shelf.failure(
      shelf.store.update('failed', () => {
        throw new Error('no')
      }),
    )
    await shelf.store.update('missing', () => undefined)
    await shelf.store.set('end', 1)
  })
  await eventually(() => heard(watching)).toEqual(['set end'])
})

test('the last change before a store closes is told; its end is not the end of a watch elsewhere', async () => {
  const [watching, writing] = await browser.site().twoTabs()
  await watching.evaluate(async () => {
    await shelf.open()
    shelf.watch()
  })
  for (const key of ['a', 'b', 'c']) {
    await writing.evaluate(async (last) => {
      await shelf.open()
      shelf.watch()
      await shelf.store.set(last, 1)
      await shelf.runtime.close()
    }, key)
  }
  await eventually(() => heard(watching)).toEqual(['set a', 'set b', 'set c'])
  await watching.evaluate(() => shelf.store.close())
  await eventually(() => heard(watching)).toEqual(['set a', 'set b', 'set c', 'end'])
})

test('what else is said on the channel harms nothing', async () => {
  const [watching, writing] = await browser.site().twoTabs()
  await watching.evaluate(async () => {
    await shelf.open()
    shelf.watch()
  })
  await writing.evaluate(async () => {
    const channel = new BroadcastChannel(`botshelf:${shelf.DATABASE}`)
    const told = { changes: [{ kind: 'set', key: 'not me' }] }
    const strange: unknown[] = [
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
      { v: 1, id: 'a', changes: { length: 1, 0: told.changes[0] } },
      { v: 1, id: 'a', changes: [null] },
      { v: 1, id: 'a', changes: [...told.changes, { kind: 'set' }] },
      { v: 1, id: 'a', changes: [{ kind: 'set', key: 7 }] },
      { v: 1, id: 'a', changes: [{ kind: 'rename', key: 'a' }] },
      { ...told, v: '1', id: 'a' },
      { ...told, v: 1, id: 7 },
      { v: 1, id: 'never announced', done: true },
      { v: 1, id: 'a', done: 'some' },
      { v: 1, id: 'a', done: ['not me', 7] },
      { v: 1, id: 7, done: ['not me'] },
    ]
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has none
    for (const message of strange) channel.postMessage(message)
    await shelf.open()
    await shelf.store.set('end', 1)
  })
  await eventually(() => heard(watching)).toEqual(['set end'])
  expect(await watching.evaluate(() => shelf.store.get('end'))).toBe(1)
})

// Applied in order, the changes have to lead to the keys there are: `Store.watch` promises it.
test('a tab that is slow to tell what it removed does not undo what another has set since', async () => {
  const site = browser.site()
  const [watching, slow] = await site.twoTabs()
  const quick = await site.tab()
  await watching.evaluate(async () => {
    await shelf.open()
    shelf.watch()
  })
  await quick.evaluate(() => shelf.open())
  await slow.evaluate(async () => {
    await shelf.open()
    await shelf.store.set('k', 1)
  })
  await slow.evaluate(() => {
    const restore = shelf.replace(
      IDBTransaction.prototype,
      'commit',
      (commit) =>
        function (this: IDBTransaction) {
          restore()
          commit.call(this)
          // Busy with something else, until the other tab has set the key.
          const asked = new XMLHttpRequest()
          do {
            asked.open('GET', '/is-set', false)
            asked.send()
          } while (asked.responseText !== 'yes')
        },
    )
    setTimeout(() => void shelf.store.delete('k'))
  })
  await quick.evaluate(async () => {
    while (await shelf.store.has('k')) await new Promise((resolve) => setTimeout(resolve, 5))
    await shelf.store.set('k', 2)
  })
  browser.answers['/is-set'] = 'yes'
  await slow.evaluate(() => shelf.store.set('end', 1))
  await eventually(() => heard(watching)).toContain('set end')
  const view = (): Promise<string[]> =>
    watching.evaluate(() => {
      const keys = new Set<string>()
      for (const change of shelf.told) {
        const [kind, key] = change.split(' ') as [string, string]
        if (kind === 'set') keys.add(key)
        else keys.delete(key)
      }
      return [...keys].toSorted()
    })
  await eventually(view).toEqual(await watching.evaluate(() => shelf.keys()))
})

test('a change is told though the tab that made it was gone before it could say so', async () => {
  const site = browser.site()
  const [watching, writing] = await site.twoTabs()
  await watching.evaluate(async () => {
    await shelf.open()
    shelf.watch()
  })
  for (let time = 0; time < 5; time++) {
    await writing.goto(writing.url())
    await writing.evaluate(() => shelf.open())
    await writing.evaluate((key) => {
      void shelf.store.set(key, 1)
      setTimeout(() => (location.href = 'about:blank'))
    }, `k${time}`)
    await writing.waitForURL('about:blank')
    await writing.goto(watching.url())
  }
  const keys = await watching.evaluate(() => shelf.keys())
  await eventually(() => heard(watching)).toEqual(
    expect.arrayContaining(keys.map((key) => `set ${key}`)),
  )
})

test('of writes in a row each is told, though their tab was gone in the midst of them', async () => {
  const site = browser.site()
  const [watching, writing] = await site.twoTabs()
  await watching.evaluate(async () => {
    await shelf.open()
    shelf.watch()
  })
  await writing.evaluate(() => shelf.open())
  await writing.evaluate(() => {
    void (async () => {
      for (let at = 0; at < 20; at++) await shelf.store.set(`k${at}`, 1)
      setTimeout(() => (location.href = 'about:blank'))
      for (let at = 20; at < 1000; at++) await shelf.store.set(`k${at}`, 1)
    })()
  })
  await writing.waitForURL('about:blank')
  const keys = await watching.evaluate(() => shelf.keys())
  expect(keys.length).toBeGreaterThanOrEqual(20)
  await eventually(() => heard(watching)).toEqual(
    expect.arrayContaining(keys.map((key) => `set ${key}`)),
  )
})

test('more changes at once than are told by name are told all the same', async () => {
  const [watching, writing] = await browser.site().twoTabs()
  await watching.evaluate(async () => {
    await shelf.open()
    shelf.watch()
  })
  const keys = Array.from({ length: 1500 }, (_, at) => `k${at}`)
  await writing.evaluate(async (all) => {
    await shelf.open()
    await shelf.store.setMany(all.map((key) => [key, 1] as const))
  }, keys)
  await eventually(() => heard(watching)).toEqual(
    expect.arrayContaining(['clear', ...keys.map((key) => `set ${key}`)]),
  )
})

test('a change that was announced before a watch began, and takes hold after, is told', async () => {
  const [watching, writing] = await browser.site().twoTabs()
  await watching.evaluate(async () => {
    await shelf.open()
    const channel = new BroadcastChannel(`botshelf:${shelf.DATABASE}`)
    channel.addEventListener('message', ({ data }: MessageEvent<{ changes?: unknown }>) => {
      if (data.changes !== undefined) shelf.watch()
    })
  })
  await writing.evaluate(async () => {
    await shelf.open()
    await shelf.store.set('big', shelf.noise(20_000_000))
  })
  await eventually(() => heard(watching)).toEqual(['set big'])
})

test('a message of a later version makes a tab read the keys anew', async () => {
  const [watching, other] = await browser.site().twoTabs()
  await watching.evaluate(async () => {
    await shelf.open()
    await shelf.store.set('a', 1)
    shelf.watch()
  })
  await other.evaluate(() => {
    const channel = new BroadcastChannel(`botshelf:${shelf.DATABASE}`)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has none
    channel.postMessage({ v: 2, id: 'x', news: [] })
  })
  await eventually(() => heard(watching)).toEqual(['clear', 'set a'])
})

test('a write whose answer was lost, and that took hold, is told', async () => {
  const tab = await browser.site().tab()
  await tab.evaluate(async () => {
    shelf.record()
    await shelf.open()
    await shelf.store.set('a', 1)
    shelf.watch()
    const restore = shelf.replace(
      IDBTransaction.prototype,
      'commit',
      (commit) =>
        function (this: IDBTransaction) {
          restore()
          commit.call(this)
          // The connection is lost after the write was sent, and before its answer came.
          this.db.dispatchEvent(new Event('close'))
        },
    )
    await shelf.store.set('b', 2)
  })
  expect(await tab.evaluate(() => shelf.store.get('b'))).toBe(2)
  await eventually(() => heard(tab)).toEqual(expect.arrayContaining(['set b']))
})
