import { Composer } from 'grammy'
import { expect, test, vi } from 'vitest'
import { pure, session } from '../../../bridges/grammy.ts'
import type { Store } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import {
  createBot,
  type Data,
  type DataContext,
  inlineQueryUpdate,
  messageUpdate,
  type TestBot,
} from './bots.ts'

const initial = (): Data => ({ count: 0 })

function createPureBot(store: Store<Record<string, Data>>): TestBot<Data> {
  const created = createBot()
  created.bot.use(session({ store, initial }))
  return created
}

export function testPure(backend: BridgeBackend): void {
  describeBridge('grammy', backend, ({ open, openAll }) => {
    test('pure() runs the handler again on the current session if another update writes first', async () => {
      const [store, other] = await openAll<Data>(2)
      const { bot } = createPureBot(store!)
      const seen: number[] = []
      bot.use(
        pure(async (ctx) => {
          seen.push(ctx.session.count)
          ctx.session.count++
          if (seen.length === 1) await other!.set('7', { count: 10 })
        }),
      )
      await bot.handleUpdate(messageUpdate('hi'))
      expect(seen).toEqual([0, 10])
      expect(await store!.get('7')).toEqual({ count: 11 })
    })

    test('the handlers after pure() run once, after the session is stored, and may change it', async () => {
      const [store, other] = await openAll<Data>(2)
      const { bot, sent } = createPureBot(store!)
      let runs = 0
      bot.command(
        'count',
        pure(async (ctx, next) => {
          ctx.session.count++
          if (++runs === 1) await other!.set('7', { count: 10 })
          await next()
        }),
        async (ctx) => {
          expect(await other!.get('7')).toEqual({ count: 11 })
          await ctx.reply(`Number ${ctx.session.count}`)
          ctx.session.lang = 'de'
        },
      )
      await bot.handleUpdate(messageUpdate('/count'))
      expect([runs, sent]).toEqual([2, ['Number 11']])
      expect(await store!.get('7')).toEqual({ count: 11, lang: 'de' })
    })

    test('the handlers after pure() do not run if it does not call next()', async () => {
      const { bot } = createPureBot(await open<Data>())
      const after = vi.fn()
      bot.use(
        pure(() => {}),
        after,
      )
      await bot.handleUpdate(messageUpdate('hi'))
      expect(after).not.toHaveBeenCalled()
    })

    test('only the last run of pure() decides whether the following handlers run', async () => {
      const [store, other] = await openAll<Data>(2)
      const { bot } = createPureBot(store!)
      const after = vi.fn()
      bot.use(
        pure(async (ctx, next) => {
          if (ctx.session.count > 0) return
          ctx.session.count++
          await other!.set('7', { count: 10 })
          await next()
        }),
        after,
      )
      await bot.handleUpdate(messageUpdate('hi'))
      expect(after).not.toHaveBeenCalled()
      expect(await store!.get('7')).toEqual({ count: 10 })
    })

    test('two pure() after each other are two steps', async () => {
      const store = await open<Data>()
      const { bot } = createPureBot(store)
      const count = pure<DataContext>((ctx, next) => {
        ctx.session.count++
        return next()
      })
      const seen: unknown[] = []
      const look = async (_ctx: DataContext, next: () => Promise<void>): Promise<void> => {
        seen.push(await store.get('7'))
        await next()
      }
      bot.use(count, look, count, look)
      await bot.handleUpdate(messageUpdate('hi'))
      expect(seen).toEqual([{ count: 1 }, { count: 2 }])
    })

    test('pure() writes nothing if its handler only reads', async () => {
      const store = await open<Data>()
      const { bot } = createPureBot(store)
      bot.use(pure((ctx) => expect(ctx.session.count).toBe(0)))
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store.size()).toBe(0)
    })

    test('pure() stores nothing if its handler throws, also if an error boundary catches the error', async () => {
      const store = await open<Data>()
      const { bot } = createPureBot(store)
      const onError = vi.fn()
      bot.use(async (ctx, next) => {
        ctx.session.lang = 'de'
        await next()
        expect(ctx.session).toEqual({ count: 0, lang: 'de' })
      })
      bot.errorBoundary(onError).use(
        pure((ctx) => {
          ctx.session.count = 5
          throw new RangeError('no')
        }),
      )
      await bot.handleUpdate(messageUpdate('hi'))
      expect(onError).toHaveBeenCalledWith(
        expect.objectContaining({ error: expect.any(RangeError) }),
        expect.anything(),
      )
      expect(await store.get('7')).toEqual({ count: 0, lang: 'de' })
    })

    test('what earlier handlers changed is applied to the current session before pure() runs', async () => {
      const [store, other] = await openAll<Data>(2)
      const { bot } = createPureBot(store!)
      bot.use(async (ctx, next) => {
        ctx.session.lang = 'de'
        await other!.set('7', { count: 10 })
        await next()
      })
      bot.use(pure((ctx) => expect(ctx.session).toEqual({ count: 10, lang: 'de' })))
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store!.get('7')).toEqual({ count: 10, lang: 'de' })
    })

    test('pure() can remove the session', async () => {
      const store = await open<Data>()
      await store.set('7', { count: 1 })
      const { bot } = createPureBot(store)
      bot.use(
        pure(async (ctx, next) => {
          ctx.session = null
          await next()
        }),
        (ctx) => expect(ctx.session).toBeNull(),
      )
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store.has('7')).toBe(false)
    })

    test('pure() takes a composer, and a pure() within it shares its step', async () => {
      const store = await open<Data>()
      const { bot } = createPureBot(store)
      const composer = new Composer<DataContext>()
      composer.command('count', (ctx, next) => {
        ctx.session.count++
        return next()
      })
      composer.use(pure((ctx) => void (ctx.session.lang = 'de')))
      bot.use(pure(composer))
      const transaction = vi.spyOn(store, 'transaction')
      await bot.handleUpdate(messageUpdate('/count'))
      expect(transaction).toHaveBeenCalledTimes(1)
      expect(await store.get('7')).toEqual({ count: 1, lang: 'de' })
    })

    test('pure() runs its handler for an update without a session key', async () => {
      const { bot } = createPureBot(await open<Data>())
      const handler = vi.fn()
      bot.use(pure(handler))
      await bot.handleUpdate(inlineQueryUpdate())
      expect(handler).toHaveBeenCalledTimes(1)
    })

    test('pure() without session() before it is refused', async () => {
      const { bot } = createBot()
      bot.use(pure(() => {}))
      await expect(bot.handleUpdate(messageUpdate('hi'))).rejects.toMatchObject({
        error: { code: 'INVALID_VALUE', message: expect.stringContaining('bot.use(session(') },
      })
    })
  })
}
