import { BotError, session as grammySession } from 'grammy'
import { expect, test } from 'vitest'
import { pure, session, storageAdapter } from '../../../bridges/grammy.ts'
import type { Store } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge, recordLostUpdates } from '../support/bridge.ts'
import { createBarrier, createBot, type Data, type DataContext, messageUpdate } from './bots.ts'

const UPDATES = 100
const CLIENTS = 10
const initial = (): Data => ({ count: 0 })
const addUp = { count: (base = 0, mine = 0, current = 0) => current + mine - base }

type Bots = readonly ReturnType<typeof createBot<Data>>['bot'][]

function createBots(
  stores: readonly Store<Record<string, Data>>[],
  install: (bot: Bots[number], store: Store<Record<string, Data>>) => void,
): Bots {
  return stores.map((store) => {
    const { bot } = createBot()
    install(bot, store)
    return bot
  })
}

/** Handles the updates at the same time, and resolves to those whose handling failed, with the errors. */
async function handleAll(
  bots: Bots,
): Promise<{ readonly update: ReturnType<typeof messageUpdate>; readonly reason: BotError }[]> {
  const updates = Array.from({ length: UPDATES }, () => messageUpdate('/count'))
  const results = await Promise.allSettled(
    updates.map(async (update, index) => bots[index % bots.length]!.handleUpdate(update)),
  )
  return results.flatMap((result, index) =>
    result.status === 'rejected'
      ? [{ update: updates[index]!, reason: result.reason as BotError }]
      : [],
  )
}

const count = (ctx: DataContext): void => {
  ctx.session.count++
}

export function testConcurrentUpdates(backend: BridgeBackend): void {
  describeBridge('grammy', backend, ({ open, openAll }) => {
    test('merge counts each of 100 concurrent updates of a chat, and grammY loses some', async (context) => {
      const stores = await openAll<Data>(CLIENTS)
      const bots = createBots(stores, (bot, store) => {
        bot.use(session({ store, initial, merge: addUp }))
        bot.command('count', count)
      })
      expect(await handleAll(bots)).toEqual([])
      const ours = UPDATES - (await stores[0]!.get('7'))!.count

      const grammyStores = await openAll<Data>(CLIENTS)
      const grammyBots = createBots(grammyStores, (bot, store) => {
        bot.use(grammySession({ storage: storageAdapter(store), initial }))
        bot.command('count', count)
      })
      expect(await handleAll(grammyBots)).toEqual([])
      const theirs = UPDATES - (await grammyStores[0]!.get('7'))!.count

      recordLostUpdates(context, {
        updates: UPDATES,
        ours,
        theirs,
        theirName: "grammY's session()",
      })
      expect(ours).toBe(0)
      expect(theirs).toBeGreaterThan(0)
    })

    test('pure() counts each of 100 concurrent updates of a chat', async () => {
      const stores = await openAll<Data>(CLIENTS)
      const bots = createBots(stores, (bot, store) => {
        bot.use(session({ store, initial }))
        bot.command('count', pure(count))
      })
      expect(await handleAll(bots)).toEqual([])
      expect(await stores[0]!.get('7')).toEqual({ count: UPDATES })
    })

    test('without merge each of 100 concurrent updates is counted or rejected, and delivering the rejected ones again makes 100', async () => {
      const stores = await openAll<Data>(CLIENTS)
      const bots = createBots(stores, (bot, store) => {
        bot.use(session({ store, initial }))
        bot.command('count', count)
      })
      const rejected = await handleAll(bots)
      expect(rejected.length).toBeGreaterThan(0)
      expect((await stores[0]!.get('7'))!.count).toBe(UPDATES - rejected.length)
      for (const { update, reason } of rejected) {
        expect(reason.error).toMatchObject({ code: 'CONFLICT', outcome: 'not-applied' })
        await bots[0]!.handleUpdate(update)
      }
      expect(await stores[0]!.get('7')).toEqual({ count: UPDATES })
    })

    /** Handles two updates at the same time; both have read the session before one of them changes it. */
    async function race(
      changes: readonly [(ctx: DataContext) => void, (ctx: DataContext) => void],
      {
        before,
        merge,
      }: { before?: Data; merge?: Parameters<typeof session<Data, DataContext>>[0]['merge'] } = {},
    ) {
      const stores = await openAll<Data>(2)
      if (before) await stores[0]!.set('7', before)
      const bothHaveRead = createBarrier(2)
      const results = await Promise.allSettled(
        stores.map(async (store, index) => {
          const { bot } = createBot()
          bot.use(session({ store, initial, ...(merge && { merge }) }))
          bot.use(async (ctx) => {
            await bothHaveRead()
            changes[index]!(ctx)
          })
          await bot.handleUpdate(messageUpdate('hi'))
        }),
      )
      const errors = results.flatMap((result) =>
        result.status === 'rejected' ? [(result.reason as BotError).error as Error] : [],
      )
      return { errors, stored: await stores[0]!.get('7') }
    }

    test('two updates that change, add and remove different fields are both stored', async () => {
      const { errors, stored } = await race(
        [
          (ctx) => {
            ctx.session.count = 5
            delete ctx.session.names
          },
          (ctx) => {
            ctx.session.lang = 'de'
            ctx.session.nested!.level.value = 2
          },
        ],
        { before: { count: 1, names: ['ann'], nested: { level: { value: 1 } } } },
      )
      expect(errors).toEqual([])
      expect(stored).toEqual({ count: 5, lang: 'de', nested: { level: { value: 2 } } })
    })

    test('the first two updates of a chat start from the initial session, and both are stored', async () => {
      const { errors, stored } = await race([
        (ctx) => {
          ctx.session.count = 5
        },
        (ctx) => {
          ctx.session.names = ['ann']
        },
      ])
      expect(errors).toEqual([])
      expect(stored).toEqual({ count: 5, names: ['ann'] })
    })

    test('two different changes of a field store one of them and reject the other with the name of the field', async () => {
      const { errors, stored } = await race([
        (ctx) => {
          ctx.session.names = ['ann']
          ctx.session.count++
        },
        (ctx) => {
          ctx.session.names = ['ben']
          ctx.session.lang = 'de'
        },
      ])
      expect(errors).toMatchObject([
        { code: 'CONFLICT', key: '7', outcome: 'not-applied', retryable: true },
      ])
      expect(errors[0]!.message).toContain('changed session.names while')
      expect([
        { count: 1, names: ['ann'] },
        { count: 0, names: ['ben'], lang: 'de' },
      ]).toContainEqual(stored)
    })

    test('two equal changes of a field are a conflict, since two handlers may have increased it', async () => {
      const { errors, stored } = await race([count, count])
      expect(errors).toMatchObject([{ code: 'CONFLICT' }])
      expect(stored).toEqual({ count: 1 })
    })

    test('a removed session conflicts with a change, whichever is stored first', async () => {
      const { errors } = await race(
        [
          (ctx) => {
            ctx.session = null
          },
          count,
        ],
        { before: { count: 3 } },
      )
      expect(errors).toMatchObject([{ code: 'CONFLICT' }])
      expect(errors[0]!.message).toContain('changed the session while')
    })

    test('merge gets the value that was read, that of the handler and the stored one, and removes the field with undefined', async () => {
      const calls: unknown[] = []
      const { errors, stored } = await race(
        [
          (ctx) => {
            ctx.session.names = [...ctx.session.names!, 'ann']
            delete ctx.session.lang
          },
          (ctx) => {
            ctx.session.names!.push('ben')
            ctx.session.lang = 'en'
          },
        ],
        {
          before: { count: 0, names: ['zoe'], lang: 'de' },
          merge: {
            names: (base = [], mine = [], current = []) => {
              calls.push([base, [...mine, ...current].toSorted()])
              return [...current, ...mine.slice(base.length)].toSorted()
            },
            lang: () => undefined,
          },
        },
      )
      expect(errors).toEqual([])
      expect(calls).toEqual([[['zoe'], ['ann', 'ben', 'zoe', 'zoe']]])
      expect(stored).toEqual({ count: 0, names: ['ann', 'ben', 'zoe'] })
    })

    test('a session that is a number is one field', async () => {
      const store = await open<number>()
      await store.set('7', 1)
      const { bot } = createBot<number>()
      bot.use(session({ store }))
      bot.use(async (ctx) => {
        await store.set('7', 10)
        ctx.session++
      })
      await expect(bot.handleUpdate(messageUpdate('hi'))).rejects.toMatchObject({
        error: { code: 'CONFLICT' },
      })
      expect(await store.get('7')).toBe(10)
    })
  })
}
