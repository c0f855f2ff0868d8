import { deferred } from '../async.ts'
import type { StoreChange, Traits } from '../storage.ts'
import { assert, fail, assertRejects, assertEqual, sortKeys } from './assertions.ts'
import { entry, remove, type Rule, set, type TestBackend } from './test-backend.ts'

function cannotWatch({ watch }: Traits): string | undefined {
  return watch ? undefined : 'the backend cannot tell of changes'
}

/** How long a change may take to be told, in milliseconds. */
const TOLD_WITHIN = 5_000

/** The next changes, however long they take to be told. */
async function next(
  changes: AsyncIterator<StoreChange, undefined>,
  count: number,
): Promise<StoreChange[]> {
  const told: StoreChange[] = []
  while (told.length < count) {
    const { done, value } = await soon(changes.next(), `change ${told.length + 1} of ${count}`)
    if (done) fail(`the watch ended after ${told.length} of ${count} changes`)
    else told.push(value)
  }
  return told
}

async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = deferred()
  const timer = setTimeout(late.resolve, TOLD_WITHIN)
  try {
    return await Promise.race([promise, late.promise.then(() => fail(`${what} was not told`))])
  } finally {
    clearTimeout(timer)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Everything up to the change of the key `end`, read no sooner than it may all have been told. */
async function lagging(changes: AsyncIterator<StoreChange, undefined>): Promise<StoreChange[]> {
  await pause(50)
  const told: StoreChange[] = []
  while (told.at(-1)?.key !== 'end') told.push(...(await next(changes, 1)))
  return told
}

/** The same changes whoever watches: by this store, by another, and by one of another runtime. */
async function watchers(
  subject: TestBackend,
): Promise<{ namespace: string; changes: AsyncIterator<StoreChange, undefined>[] }> {
  const namespace = subject.namespace()
  const runtimes = [subject.runtime(), subject.runtime()]
  if (subject.traits.atomic !== 'instance') {
    runtimes.push(subject.runtime({}, await subject.restarted()))
  }
  const stores = await Promise.all(runtimes.map((runtime) => runtime.open(namespace)))
  return { namespace, changes: stores.map((store) => store.watch()) }
}

const wasSet = (key: string): StoreChange => ({ kind: 'set', key })
const removed = (key: string): StoreChange => ({ kind: 'remove', key })

/** What `watch` tells, where a storage can tell it. */
export const WATCH_RULES: readonly Rule[] = [
  {
    id: 'watch/trait',
    name: 'a store whose storage cannot tell of changes says so at once',
    run: async (subject) => {
      const store = await subject.store()
      const watch = (async () => store.watch())()
      if (!subject.traits.watch) {
        await assertRejects(watch, 'UNAVAILABLE', 'watch where nothing can be told')
        return
      }
      const changes = await watch.catch((error: unknown) =>
        fail(`traits.watch says that it can tell, and watch() throws: ${String(error)}`),
      )
      await changes.return?.()
    },
  },
  {
    id: 'watch/told',
    name: 'every kind of change is told, in order, to its own store and to all others',
    exempt: cannotWatch,
    run: async (subject) => {
      const { namespace, changes } = await watchers(subject)
      const store = await subject.runtime().open(namespace)
      const steps: [() => Promise<unknown>, ...StoreChange[]][] = [
        [() => store.set('a', 1), wasSet('a')],
        [() => store.update('a', () => 2), wasSet('a')],
        [() => store.update('b', async () => 1), wasSet('b')],
        [() => store.mutable('c', () => {}, []), wasSet('c')],
        [() => store.getOrInsert('d', 1), wasSet('d')],
        [() => store.delete('a'), removed('a')],
        [() => store.pop('b'), removed('b')],
        [() => store.update('c', () => undefined), removed('c')],
        [() => store.setMany({ e: 1, f: 2 }), wasSet('e'), wasSet('f')],
        [() => store.clear(), { kind: 'clear' }],
        [() => store.set('g', 1), wasSet('g')],
      ]
      for (const [at, [step, ...expected]] of steps.entries()) {
        await step()
        for (const [index, watch] of changes.entries()) {
          const told = await next(watch, expected.length)
          assertEqual(told, expected, `what watcher ${index} was told of step ${at}`)
        }
      }
    },
  },
  {
    id: 'watch/storage',
    name: 'a storage tells of each group that was applied, and of none that was not, until it is asked to stop',
    exempt: cannotWatch,
    run: async (subject) => {
      const namespace = subject.namespace()
      const storage = await subject.storage(namespace)
      const watched = [storage, await subject.storage(namespace)]
      const told = watched.map(() => [] as string[])
      const stops = watched.map((each, index) =>
        each.watch?.(({ kind, ...change }) => {
          told[index]?.push('key' in change ? `${kind} ${change.key}` : kind)
        }),
      )
      await storage.commit([
        [set('a', entry(1)), set('b', entry(1))],
        [set('c', entry(1), 'no such version')],
        [remove('a')],
      ])
      await storage.commit([[set('end', entry(1))]])
      for (const [index, all] of told.entries()) {
        const until = Date.now() + TOLD_WITHIN
        while (all.at(-1) !== 'set end' && Date.now() < until) await pause(5)
        // A change that was overtaken need not be told.
        const needed = all.filter((each) => each !== 'set a')
        assertEqual(
          sortKeys(needed),
          ['remove a', 'set b', 'set end'],
          `what storage ${index} told`,
        )
        assert(all.lastIndexOf('remove a') > all.indexOf('set a'), 'a removal was told too early')
      }
      for (const stop of stops) stop?.()
      // Those who still listen have been told by then.
      const after = watched.map((each) => {
        const heard = deferred()
        each.watch?.(({ kind, ...change }) => {
          if (kind === 'set' && 'key' in change && change.key === 'late') heard.resolve()
        })
        return heard.promise
      })
      await storage.commit([[set('late', entry(1))]])
      await soon(Promise.all(after), 'a change')
      assert(!told.flat().includes('set late'), 'a change was told after the end')
    },
  },
  {
    id: 'watch/last',
    name: 'a reader that lags is told the last change of each key, and nothing from before a clear',
    exempt: cannotWatch,
    run: async (subject) => {
      const { namespace, changes } = await watchers(subject)
      const store = await subject.runtime().open(namespace)
      await store.set('gone', 1)
      await store.clear()
      await store.set('a', 1)
      await store.set('b', 1)
      await store.delete('a')
      await store.set('end', 1)
      for (const [index, watch] of changes.entries()) {
        const told = await lagging(watch)
        assertEqual(told.at(-1), wasSet('end'), `what watcher ${index} was told at last`)
        const view = new Set<string>()
        for (const { kind, key } of told) {
          if (kind === 'clear') view.clear()
          else if (kind === 'set') view.add(key)
          else view.delete(key)
        }
        assertEqual(sortKeys(view), ['b', 'end'], `the view of watcher ${index}`)
      }
    },
  },
  {
    id: 'watch/refused',
    name: 'what is refused, thrown or read is not told',
    exempt: cannotWatch,
    run: async (subject) => {
      const { namespace, changes } = await watchers(subject)
      const store = await subject.runtime().open(namespace)
      await store.update('a', () => undefined).catch(() => {})
      await store.update('b', () => Promise.reject(new Error('no'))).catch(() => {})
      await store.set('c', () => {}).catch(() => {})
      await store.mutable('d', () => {})
      await store.get('e')
      await store.pop('f')
      await store.set('g', 1)
      for (const watch of changes) {
        const told = (await next(watch, 1))[0]
        // Removing what is not there may be told: a backend need not know.
        const harmless = told?.kind === 'remove' ? (await next(watch, 1))[0] : told
        assertEqual(
          harmless?.kind === 'remove' ? (await next(watch, 1))[0] : harmless,
          wasSet('g'),
          'what was told',
        )
      }
    },
  },
  {
    id: 'watch/namespace',
    name: 'another namespace is not told of',
    exempt: cannotWatch,
    run: async (subject) => {
      const { namespace, changes } = await watchers(subject)
      const runtime = subject.runtime()
      const other = await runtime.open(subject.namespace(namespace))
      await other.set('theirs', 1)
      await other.clear()
      await (await runtime.open(namespace)).set('ours', 1)
      for (const watch of changes)
        assertEqual(await next(watch, 1), [wasSet('ours')], 'what was told')
    },
  },
  {
    id: 'watch/from-the-call',
    name: 'a watch begins when it is made, not when it is first read',
    exempt: cannotWatch,
    run: async (subject) => {
      const store = await subject.store()
      await store.set('before', 1)
      // What was told to others by then must not come late.
      await pause(50)
      const changes = store.watch()
      await store.set('after', 1)
      assertEqual(await next(changes, 1), [wasSet('after')], 'what was told')
    },
  },
  {
    id: 'watch/behind',
    name: 'a reader far behind gets clear and then every key there is, so that its view is right',
    exempt: cannotWatch,
    run: async (subject) => {
      const { namespace, changes } = await watchers(subject)
      const store = await subject.runtime().open(namespace)
      const keys = Array.from({ length: 2500 }, (_, i) => `k${i}`)
      await store.setMany(Object.fromEntries(keys.map((key) => [key, 1])))
      for (let i = 0; i < 2500; i += 2) await store.delete(`k${i}`)
      await store.set('last', 1)
      const expected = sortKeys([...keys.filter((_, i) => i % 2 === 1), 'last'])
      for (const [index, watch] of changes.entries()) {
        const view = new Set<string>()
        let most = 0
        let clears = 0
        while (view.size !== expected.length || !view.has('last')) {
          const [change] = await next(watch, 1)
          if (change?.kind === 'clear') {
            view.clear()
            clears++
          } else if (change?.kind === 'set') view.add(change.key)
          else if (change) view.delete(change.key)
          most = Math.max(most, view.size)
        }
        assertEqual(sortKeys(view), expected, `the view of watcher ${index}`)
        assert(clears > 0, `watcher ${index} was 2,500 keys behind and was never told so`)
      }
    },
  },
  {
    id: 'watch/end',
    name: 'a watch ends when its store closes, when it is left and when it is returned, read or unread',
    exempt: cannotWatch,
    run: async (subject) => {
      const namespace = subject.namespace()
      const runtime = subject.runtime()
      const [store, writer] = [await runtime.open(namespace), await runtime.open(namespace)]
      const [waiting, unread, returned, left] = [
        store.watch(),
        store.watch(),
        store.watch(),
        store.watch(),
      ]
      const pending = returned.next()
      assertEqual((await soon(returned.return?.() ?? fail('no return'), 'the end')).done, true)
      assertEqual(
        (await soon(pending, 'the end, to who waits')).done,
        true,
        'a watch that was returned',
      )
      await writer.set('k', 1)
      for await (const _ of left) break
      assertEqual((await soon(left.next(), 'the end')).done, true, 'a watch that was left')
      await next(waiting, 1)
      const last = waiting.next()
      await store.close()
      assertEqual(
        (await soon(last, 'the end, to who waits')).done,
        true,
        'a watch of a closed store',
      )
      assertEqual((await soon(unread.next(), 'the end')).done, true, 'one with unread changes')
      await assertRejects(
        (async () => store.watch())(),
        'STORE_NOT_OPEN',
        'watching a store that is closed',
      )
      await writer.set('k', 2)
    },
  },
]
