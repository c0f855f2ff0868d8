import { noop, sleep } from '../async.ts'
import { StoreMixin } from '../store-mixin.ts'
import { Store } from '../store.ts'
import { assert, assertEqual, assertRejects, collect } from './assertions.ts'
import { type Rule, RUNTIME_GUARDS } from './rule.ts'
import { type SpiedRuntime, spyOn } from './spy-plugin.ts'
import { assertAllNotOpen, STORE_METHODS } from './store-methods.ts'

class Bot extends StoreMixin()(Object) {}

/** Members of a store that a mixin has under other names, or not at all. */
const NOT_MIXED = ['constructor', 'close', 'isOpen', 'traits']

/** `StoreMixin`, which opens and closes a store inside another object. */
export const MIXIN_RULES: readonly Rule[] = [
  {
    id: 'mixin/lifecycle',
    name: 'a StoreMixin rejects with STORE_NOT_OPEN before openStorage() and after closeStorage(), and with STORE_ALREADY_OPEN when opened twice',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      const bot = new Bot()
      await failToOpen(bot, { plugin, runtime, namespace })
      const opening = bot.openStorage(runtime, namespace)
      await assertRejects(
        bot.openStorage(runtime, namespace),
        'STORE_ALREADY_OPEN',
        'openStorage() during another',
      )
      await opening
      await assertRejects(
        bot.openStorage(runtime, namespace),
        'STORE_ALREADY_OPEN',
        'a second openStorage()',
      )
      for (const call of Object.values(STORE_METHODS)) await call(bot)
      const expires = backend.now + 90_000
      await bot.set('k', 1, { expires })
      assertEqual(await bot.record('k'), { value: 1, expires }, 'record()')
      assertEqual(
        await collect(bot.records({ prefix: 'k' })),
        [['k', { value: 1, expires }]],
        'records() with a prefix',
      )
      assertEqual(await collect(bot.records({ prefix: 'x' })), [], 'records() with another prefix')
      await bot.closeStorage()
      assertEqual(bot.namespace, namespace, 'the namespace after closeStorage()')
      await assertAllNotOpen(bot, 'after closeStorage()')
      await reopenAndDispose(bot, { plugin, runtime, namespace })
    },
  },
  {
    id: 'mixin/last-call-wins',
    name: 'openStorage() and closeStorage() of a StoreMixin that are not awaited end as the last one asked',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { plugin, runtime, namespace } = spyOn(backend)
      const bot = new Bot()
      const opening = bot.openStorage(runtime, namespace)
      await Promise.all([opening, bot.closeStorage(), bot.openStorage(runtime, namespace)])
      assertEqual(bot.isOpenStorage(), true, 'isOpenStorage() after open, close, open')
      await bot.set('k', 1)
      await Promise.all([
        bot.closeStorage(),
        bot.openStorage(runtime, namespace),
        bot.closeStorage(),
      ])
      assertEqual(bot.isOpenStorage(), false, 'isOpenStorage() after close, open, close')
      assertEqual(plugin.closeCount, plugin.openCount, 'the number of closed storages')
      const last = bot.openStorage(runtime, namespace)
      await bot[Symbol.asyncDispose]()
      await last
      assertEqual(bot.isOpenStorage(), false, 'isOpenStorage() after disposing while it opens')
      assertEqual(
        plugin.closeCount,
        plugin.openCount,
        'the number of closed storages after disposing',
      )
      await bot.openStorage(runtime, namespace)
      assertEqual(await bot.get('k'), 1, 'the value after reopening')
      await bot.closeStorage()
    },
  },
  {
    id: 'mixin/every-method',
    name: 'a StoreMixin has every method of a store, and passes all arguments on',
    fix: RUNTIME_GUARDS,
    run: async (backend) => {
      const { runtime, namespace } = spyOn(backend)
      const bot = new Bot()
      const names = Reflect.ownKeys(Store.prototype).filter(
        (name) => typeof name === 'symbol' || !NOT_MIXED.includes(name),
      )
      for (const name of names)
        assert(name in bot, `a StoreMixin: expected the member ${String(name)}; it has none`)
      await bot.openStorage(runtime, namespace)
      const expires = backend.now + 90_000
      const options = { expires }
      await bot.insert('insert', 1, options)
      await bot.increment('increment', 2, options)
      await bot.append('append', 2, { ...options, max: 1 })
      await bot.append('append', 3, { max: 1 })
      await bot.update('update', () => 4, options)
      await bot.mutable('mutable', () => {}, 5, options)
      await bot.getOrInsert('getOrInsert', 6, options)
      await bot.transaction(['transaction'], (tx) => tx.set('transaction', 7), options)
      await bot.setMany({ setMany: 8 }, options)
      await bot.set('touch', 9)
      await bot.touch('touch', options)
      const expected = {
        append: [3],
        getOrInsert: 6,
        increment: 2,
        insert: 1,
        mutable: 5,
        setMany: 8,
        touch: 9,
        transaction: 7,
        update: 4,
      }
      const records = Object.entries(expected).map(([key, value]) => [key, { value, expires }])
      assertEqual(await collect(bot.records()), records, 'records()')
      const page = { after: 'increment', limit: 2, reverse: true }
      assertEqual(await collect(bot.keys(page)), ['getOrInsert', 'append'], 'keys()')
      assertEqual(await collect(bot.values(page)), [6, [3]], 'values()')
      assertEqual((await collect(bot.entries(page))).length, 2, 'the number of entries()')
      assertEqual(await bot.getMany(['update']), new Map([['update', 4]]), 'getMany()')
      await bot.deleteMany(['update', 'touch'])
      await bot.clear({ prefix: 'in' })
      assertEqual(await bot.size(), 5, 'size() after deleteMany() and clear()')
    },
  },
]

async function failToOpen(bot: Bot, { plugin, runtime, namespace }: SpiedRuntime): Promise<void> {
  assertEqual(bot.namespace, undefined, 'the namespace of a new mixin')
  assertEqual(bot.isOpenStorage(), false, 'isOpenStorage() of a new mixin')
  await assertAllNotOpen(bot, 'before openStorage()')
  await assertRejects(bot.closeStorage(), 'STORE_NOT_OPEN', 'closeStorage() before openStorage()')
  plugin.onOpen = () => {
    throw new Error('not yet')
  }
  await assertRejects(
    bot.openStorage(runtime, namespace),
    'BACKEND_ERROR',
    'openStorage() of a plugin that throws',
  )
  assertEqual(bot.namespace, undefined, 'the namespace after openStorage() failed')
  plugin.onOpen = noop
}

async function reopenAndDispose(
  bot: Bot,
  { plugin, runtime, namespace }: SpiedRuntime,
): Promise<void> {
  await bot.openStorage(runtime, namespace)
  assertEqual(await bot.get('k'), 1, 'the value after reopening')
  await bot[Symbol.asyncDispose]()
  assertEqual(bot.isOpenStorage(), false, 'isOpenStorage() after disposing')
  await bot.openStorage(runtime, namespace)
  let isClosed = false
  plugin.onClose = async () => {
    await sleep(5)
    isClosed = true
  }
  const closing = bot.closeStorage()
  await bot[Symbol.asyncDispose]()
  assert(
    isClosed,
    'disposing during closeStorage(): expected it to wait; it resolved before the close',
  )
  await closing
}
