import { Composer } from 'grammy'
import { expect, test } from 'vitest'
import { pure, session, type SessionOptions } from '../../../bridges/grammy.ts'
import { type OpenOptions, StorageRuntime, type Store } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import { createBot, type Data, type DataContext, messageUpdate, type TestBot } from './bots.ts'

type Next = () => Promise<void>

const initial = (): Data => ({ count: 0 })
const addUp = { count: (base = 0, mine = 0, current = 0) => current + mine - base }
const setLanguage = (ctx: DataContext): void => {
  ctx.session.lang = 'de'
}

function createStepBot(
  store: Store<Record<string, Data>>,
  options: Partial<SessionOptions<Data, DataContext>> = {},
): TestBot<Data> {
  const created = createBot()
  created.bot.use(session({ store, initial, ...options }))
  return created
}

/** Trims the name of the language, and adds a list of names. */
const schema: NonNullable<OpenOptions<Record<string, Data>>['schema']> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { lang, ...data } = value as Data
      return { value: { names: [], ...data, ...(lang !== undefined && { lang: lang.trim() }) } }
    },
  },
}

/** How the step of `pure` combines with the handlers around it. */
export function testSteps(backend: BridgeBackend): void {
  describeBridge('grammy', backend, ({ open, openAll }) => {
    test('a handler before pure() may change a session that it has kept, also after next()', async () => {
      const store = await open<Data>()
      await store.set('7', { count: 1, names: [] })
      const { bot } = createStepBot(store)
      bot.use(async (ctx, next) => {
        const kept = ctx.session
        const names = kept.names!
        await next()
        expect(kept).toBe(ctx.session)
        names.push('ann')
      })
      bot.use(pure((ctx) => void ctx.session.count++))
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store.get('7')).toEqual({ count: 2, names: ['ann'] })
    })

    test('a change of a kept session that pure() has replaced since another update wrote first is a conflict', async () => {
      const [store, other] = await openAll<Data>(2)
      const { bot } = createStepBot(store!)
      bot.use(async (ctx, next) => {
        const kept = ctx.session
        await next()
        setLanguage({ session: kept } as DataContext)
      })
      bot.use(
        pure(async (ctx) => {
          if (ctx.session.count === 0) await other!.set('7', { count: 10 })
          ctx.session.count++
        }),
      )
      await expect(bot.handleUpdate(messageUpdate('hi'))).rejects.toMatchObject({
        error: {
          code: 'CONFLICT',
          key: '7',
          message: expect.stringContaining('Read ctx.session again'),
        },
      })
      expect(await store!.get('7')).toEqual({ count: 11 })
    })

    test('pure() removes the session by null, also if another update wrote first', async () => {
      const [store, other] = await openAll<Data>(2)
      await store!.set('7', { count: 1 })
      const { bot } = createStepBot(store!)
      let runs = 0
      const remove = async (ctx: { session: Data | null }): Promise<void> => {
        if (++runs === 1) await other!.set('7', { count: 5 })
        ctx.session = null
      }
      bot.use(pure(remove as never))
      await bot.handleUpdate(messageUpdate('hi'))
      expect([runs, await store!.has('7')]).toEqual([2, false])
    })

    test('a change of a kept session after pure() has failed is a conflict', async () => {
      const store = await open<Data>()
      const { bot } = createStepBot(store)
      bot.use(async (ctx, next) => {
        const kept = ctx.session
        await next()
        setLanguage({ session: kept } as DataContext)
      })
      bot
        .errorBoundary(() => {})
        .use(
          pure((ctx) => {
            ctx.session.count++
            throw new RangeError('no')
          }),
        )
      await expect(bot.handleUpdate(messageUpdate('hi'))).rejects.toMatchObject({
        error: { code: 'CONFLICT' },
      })
      expect(await store.size()).toBe(0)
    })

    test('pure() stores nothing if it removes a session that an earlier handler has begun', async () => {
      const store = await open<Data>()
      const { bot } = createStepBot(store)
      bot.use(async (ctx, next) => {
        setLanguage(ctx)
        await next()
      })
      bot.use(
        pure(async (ctx, next) => {
          ctx.session = null
          await next()
        }),
        async () => expect(await store.has('7')).toBe(false),
      )
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store.has('7')).toBe(false)
    })

    test('a handler that does not await next() loses no step of pure(), and it is stored once', async () => {
      const store = await open<Data>()
      const { bot } = createStepBot(store)
      const { promise: hasEnded, resolve: end } = Promise.withResolvers<void>()
      bot.use((_ctx, next) => {
        void next().then(end)
      })
      bot.use(
        pure(async (ctx) => {
          ctx.session.count++
          await new Promise((resolve) => setTimeout(resolve, 20))
        }),
      )
      await bot.handleUpdate(messageUpdate('hi'))
      await hasEnded
      expect(await store.get('7')).toEqual({ count: 1 })
    })

    test('a change beside pure() in a fork is stored', async () => {
      const store = await open<Data>()
      const { bot } = createStepBot(store)
      bot.fork(setLanguage)
      bot.use(pure((ctx) => void ctx.session.count++))
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store.get('7')).toEqual({ count: 1, lang: 'de' })
    })

    test('pure() before session(), called after it, does not apply the changes a second time', async () => {
      const store = await open<Data>()
      const { bot } = createBot()
      bot.use(async (ctx, next) => {
        await next()
        await pure(setLanguage)(ctx, async () => {})
      })
      bot.use(session({ store, initial, merge: addUp }))
      bot.use((ctx) => void ctx.session.count++)
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store.get('7')).toEqual({ count: 1, lang: 'de' })
    })

    test('a pure() within another one that throws leaves nothing, also if the error is caught', async () => {
      const store = await open<Data>()
      const { bot } = createStepBot(store)
      const composer = new Composer<DataContext>()
      composer.use(async (ctx, next) => {
        ctx.session.count++
        await next()
      })
      composer
        .errorBoundary(() => {})
        .use(
          pure((ctx) => {
            ctx.session.count = 100
            throw new RangeError('no')
          }),
        )
      bot.use(pure(composer))
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store.get('7')).toEqual({ count: 1 })
    })

    test('pure() runs the handlers that a composer gets later', async () => {
      const store = await open<Data>()
      const { bot } = createStepBot(store)
      const composer = new Composer<DataContext>()
      bot.use(pure(composer))
      composer.use((ctx) => void ctx.session.count++)
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store.get('7')).toEqual({ count: 1 })
    })

    test.each([undefined, null, {}, 'handler'])('pure(%s) is refused', (handler) => {
      expect(() => pure(handler as never)).toThrow(
        expect.objectContaining({
          code: 'INVALID_VALUE',
          message: expect.stringContaining('Pass a handler or a composer'),
        }),
      )
    })

    test('after pure() the session is what the schema of the store made of it', async () => {
      const runtime = new StorageRuntime(backend.createPlugin())
      const store = await runtime.open<Record<string, Data>>(crypto.randomUUID(), { schema })
      const { bot } = createStepBot(store)
      const seen: unknown[] = []
      bot.use(
        pure(async (ctx, next) => {
          ctx.session.lang = ' de '
          await next()
        }),
        async (ctx, next: Next) => {
          seen.push({ ...ctx.session })
          ctx.session.lang += '-AT'
          await next()
        },
      )
      await bot.handleUpdate(messageUpdate('hi'))
      expect(seen).toEqual([{ count: 0, names: [], lang: 'de' }])
      expect(await store.get('7')).toEqual({ count: 0, names: [], lang: 'de-AT' })
    })
  })
}
