import { Bot, type MiddlewareFn, type SessionFlavor, type StorageAdapter } from 'grammy'
import { expect, expectTypeOf, test } from 'vitest'
import { pure, session, storageAdapter } from '../../../bridges/grammy.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { memoryBackend } from '../support/memory.ts'
import { BOT_INFO, type Data, type DataContext } from './bots.ts'

const runtime = new StorageRuntime(memoryBackend.createPlugin())

test('the type of a session is that of the values of the store, not of the initial value', async () => {
  const store = await runtime.open<Record<string, Data>>('types')
  const middleware = session({
    store,
    initial: () => ({ count: 0 }),
    merge: { lang: (_base, mine) => mine },
  })
  expectTypeOf(middleware).toExtend<MiddlewareFn<DataContext>>()
  // @ts-expect-error -- the session has no such field
  session({ store, merge: { other: () => 1 } })
  // @ts-expect-error -- the field is a number
  session({ store, initial: () => ({ count: '0' }) })
})

test('a bot takes the middleware, and a handler in pure() has its context', async () => {
  const bot = new Bot<DataContext>('1:token', { botInfo: BOT_INFO })
  bot.use(session({ store: await runtime.open('types'), initial: () => ({ count: 0 }) }))
  bot.on(
    'message:text',
    pure((ctx) => {
      expectTypeOf(ctx.session).toEqualTypeOf<Data>()
      expectTypeOf(ctx.message.text).toBeString()
    }),
  )
  expect(bot.isInited()).toBe(true)
})

test('storageAdapter() has every method of the type StorageAdapter', async () => {
  const storage = storageAdapter(await runtime.open<Record<string, Data>>('types'))
  expectTypeOf(storage).toExtend<Required<StorageAdapter<Data>>>()
  expectTypeOf<SessionFlavor<Data>['session']>().toEqualTypeOf<Data>()
})
