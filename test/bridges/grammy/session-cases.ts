import { Bot, BotError, Context, session as grammySession } from 'grammy'
import { expect, test, vi } from 'vitest'
import { session, type SessionOptions } from '../../../bridges/grammy.ts'
import type { Store } from '../../../src/index.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import { openStoreWithoutAtomicSteps } from '../support/minimal.ts'
import {
  BOT_INFO,
  createBot,
  type Data,
  type DataContext,
  inlineQueryUpdate,
  messageUpdate,
} from './bots.ts'

const initial = (): Data => ({ count: 0 })
const count = (ctx: DataContext): number => ctx.session.count++

function createUnstorable(): Data {
  return Object.assign(initial(), { callback: () => {} })
}

/** A session with values of built-in classes. */
interface Rich {
  map: Map<string, number>
  bytes: Uint8Array
  error: Error
}

const createRich = (): Rich => ({ map: new Map(), bytes: new Uint8Array(2), error: new Error('e') })

function detach(bytes: Uint8Array): void {
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] })
}

async function userKey(ctx: Pick<Context, 'from'>): Promise<string> {
  return `user${ctx.from!.id}`
}

/** Returns the error of a call of `session`. */
function refusal(options: object): unknown {
  try {
    return session(options as SessionOptions<Data>)
  } catch (error) {
    return error
  }
}

/** Handles one message with `handler`. */
async function handle<S>(
  options: SessionOptions<S, DataContext<S>>,
  handler: (ctx: DataContext<S>) => unknown,
  update = messageUpdate('hi'),
): Promise<void> {
  const { bot } = createBot<S>()
  bot.use(session(options))
  bot.use(async (ctx) => {
    await handler(ctx)
  })
  try {
    await bot.handleUpdate(update)
  } catch (error) {
    throw error instanceof BotError ? error.error : error
  }
}

export function testSession(backend: BridgeBackend): void {
  describeBridge('grammy', backend, ({ open }) => {
    test('each chat has a session of its own, which begins with the initial value', async () => {
      const store = await open<Data>()
      const seen: number[] = []
      for (const chat of [7, 8, 7]) {
        const listAndCount = (ctx: DataContext): number => seen.push(ctx.session.count++)
        await handle({ store, initial }, listAndCount, messageUpdate('hi', chat))
      }
      expect(seen).toEqual([0, 0, 1])
      expect(await store.getMany(['7', '8'])).toEqual(
        new Map([
          ['7', { count: 2 }],
          ['8', { count: 1 }],
        ]),
      )
    })

    test('a change inside a nested object is stored', async () => {
      const store = await open<Data>()
      await store.set('7', { count: 0, nested: { level: { value: 1 } } })
      await handle({ store }, (ctx) => ctx.session.nested!.level.value++)
      expect((await store.get('7'))?.nested?.level.value).toBe(2)
    })

    test('a value that a structured clone keeps is stored with its type', async () => {
      const store = await open<{ seen: Map<string, Date>; bytes: Uint8Array }>()
      await store.set('7', { seen: new Map(), bytes: new Uint8Array(2) })
      await handle({ store }, ({ session: { seen, bytes } }) => {
        seen.set('ann', new Date(0))
        bytes[1] = 1
      })
      expect(await store.get('7')).toEqual({
        seen: new Map([['ann', new Date(0)]]),
        bytes: new Uint8Array([0, 1]),
      })
    })

    test('a handler that only reads writes nothing, and keeps what another update writes', async () => {
      const store = await open<Data>()
      await store.set('7', { count: 1, names: ['ann'] })
      const transaction = vi.spyOn(store, 'transaction')
      await handle({ store }, async (ctx) => {
        expect(ctx.session.names).toEqual(['ann'])
        ctx.session.count = 2
        ctx.session.count = 1
        await store.set('7', { count: 9 })
      })
      expect(transaction).not.toHaveBeenCalled()
      expect(await store.get('7')).toEqual({ count: 9 })
    })

    test('a handler that only reads keeps a null that is stored', async () => {
      const store = await open<Data>()
      await store.set('7', null as never)
      const { bot } = createBot()
      bot.use(session({ store }))
      bot.use((ctx) => void ctx.session)
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store.has('7')).toBe(true)
    })

    test('the initial value is not stored before a handler changes it, and is copied for each update', async () => {
      const store = await open<Data>()
      const shared = { count: 0, names: [] }
      const options = { store, initial: (): Data => shared }
      await handle(options, (ctx) => ctx.session.names)
      expect(await store.has('7')).toBe(false)
      await handle(options, (ctx) => ctx.session.names!.push('ann'))
      expect(await store.get('7')).toEqual({ count: 0, names: ['ann'] })
      expect(shared).toEqual({ count: 0, names: [] })
    })

    test('without an initial value a missing session is undefined, and can be assigned', async () => {
      const store = await open<Data>()
      await handle({ store }, (ctx) => {
        expect(ctx.session).toBeUndefined()
        ctx.session ??= { count: 5 }
      })
      expect(await store.get('7')).toEqual({ count: 5 })
    })

    test('nothing is stored if a handler throws, and its error passes', async () => {
      const store = await open<Data>()
      const failed = handle({ store, initial }, (ctx) => {
        ctx.session.count++
        throw new RangeError('no')
      })
      await expect(failed).rejects.toThrow(RangeError)
      expect(await store.size()).toBe(0)
    })

    test.each([null, undefined])('setting ctx.session to %s removes it', async (nothing) => {
      const store = await open<Data>()
      await store.set('7', { count: 1 })
      await handle({ store }, (ctx) => {
        ctx.session = nothing
      })
      expect(await store.has('7')).toBe(false)
    })

    test('getSessionKey may be async, and prefix goes before its key', async () => {
      const store = await open<Data>()
      await handle({ store, initial, prefix: 'bot/', getSessionKey: userKey }, count)
      expect(await store.get('bot/user7')).toEqual({ count: 1 })
    })

    test('ctx.session throws for an update without a session key, and the other handlers run', async () => {
      const store = await open<Data>()
      let hasRun = false
      const update = inlineQueryUpdate()
      await handle({ store, initial }, () => (hasRun = true), update)
      expect(hasRun).toBe(true)
      const error = { code: 'INVALID_KEY', message: expect.stringContaining('getSessionKey()') }
      const read = handle({ store, initial }, (ctx) => ctx.session.count, update)
      await expect(read).rejects.toMatchObject(error)
      const assign = handle({ store, initial }, (ctx) => (ctx.session = { count: 1 }), update)
      await expect(assign).rejects.toMatchObject(error)
      expect(await store.size()).toBe(0)
    })

    test('a key that is no string is refused', async () => {
      const store = await open<Data>()
      const getSessionKey = (() => 7) as unknown as () => string
      await expect(handle({ store, getSessionKey }, () => {})).rejects.toMatchObject({
        code: 'INVALID_KEY',
        message: expect.stringContaining('received 7'),
      })
    })

    test('ctx.session is an enumerable property with a getter and a setter, as in grammY', async () => {
      const store = await open<Data>()
      await handle({ store, initial }, (ctx) => {
        expect(Object.getOwnPropertyDescriptor(ctx, 'session')).toMatchObject({
          enumerable: true,
          get: expect.any(Function),
          set: expect.any(Function),
        })
      })
    })

    test('a session that cannot be stored rejects with the path, and nothing is stored', async () => {
      const store = await open<Data>()
      const failed = handle({ store, initial }, (ctx) => {
        Object.assign(ctx.session, { callback: () => {} })
      })
      await expect(failed).rejects.toMatchObject({
        code: 'INVALID_VALUE',
        key: '7',
        message: expect.stringContaining('$.callback'),
      })
      expect(await store.size()).toBe(0)
    })

    test.each([
      ['a property of a Map', (value: object) => Object.assign(value, { ann: 5 })],
      ['a buffer that is detached', (value: { bytes: Uint8Array }) => detach(value.bytes)],
      ['the name of an error', (value: { error: Error }) => (value.error.name = 'Mine')],
      [
        'a getter that throws',
        (value: object) =>
          Object.defineProperty(value, 'bytes', {
            enumerable: true,
            get: () => {
              throw new RangeError('no')
            },
          }),
      ],
    ])('a change that cannot be stored is never ignored: %s', async (name, change) => {
      const store = await open<Rich>()
      const failed = handle({ store, initial: createRich }, (ctx) => {
        change((name.endsWith('Map') ? ctx.session.map : ctx.session) as Rich & Map<string, number>)
      })
      await expect(failed).rejects.toMatchObject({ code: 'INVALID_VALUE', key: '7' })
      expect(await store.size()).toBe(0)
    })

    test('an initial value that cannot be stored rejects before the handler runs', async () => {
      const store = await open<Data>()
      let hasRun = false
      const failed = handle({ store, initial: createUnstorable }, () => (hasRun = true))
      await expect(failed).rejects.toMatchObject({ code: 'INVALID_VALUE', key: '7' })
      expect(hasRun).toBe(false)
    })

    test('a handler that removes a missing session changes nothing, also if another update adds one', async () => {
      const store = await open<Data>()
      await handle({ store, initial }, async (ctx) => {
        ctx.session = undefined
        await store.set('7', { count: 1 })
      })
      expect(await store.get('7')).toEqual({ count: 1 })
    })

    test('an error of the store passes, also after the handler has replied', async () => {
      const store = await open<Data>()
      let hasReplied = false
      const failed = handle({ store, initial }, async (ctx) => {
        ctx.session.count++
        await ctx.reply('done')
        hasReplied = true
        await store.close()
      })
      await expect(failed).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
      expect(hasReplied).toBe(true)
    })

    test('ttl counts from the last change, and a handler that only reads does not extend it', async () => {
      let time = Date.now()
      const store = await open<Data>(() => time)
      const options = { store, initial, ttl: 60_000 }
      await handle(options, count)
      time += 40_000
      await handle(options, count)
      time += 40_000
      await handle(options, (ctx) => expect(ctx.session.count).toBe(2))
      time += 20_000
      await handle(options, (ctx) => expect(ctx.session.count).toBe(0))
    })

    test('without ttl a session keeps the expiry that it has', async () => {
      const store = await open<Data>()
      const expires = Date.now() + 600_000
      await store.set('7', { count: 1 }, { expires })
      await handle({ store }, (ctx) => ctx.session.count++)
      expect(await store.record('7')).toEqual({ value: { count: 2 }, expires })
    })

    test('a session that expires while a handler changes it is a conflict', async () => {
      let time = Date.now()
      const store = await open<Data>(() => time)
      await store.set('7', { count: 1 }, { ttl: 60_000 })
      const failed = handle({ store, initial }, (ctx) => {
        ctx.session.count++
        time += 60_000
      })
      await expect(failed).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await store.get('7')).toBeUndefined()
    })

    test('a wrong option is refused before any update', async () => {
      const store = await open<Data>()
      for (const [options, text] of [
        [{}, 'options.store must be'],
        [{ store: Promise.resolve(store) }, 'session() needs an open store; received a promise'],
        [{ store, storage: {} }, 'options.storage is not an option here'],
        [{ store, ttl: 0 }, 'options.ttl must be a positive number of milliseconds; received 0'],
        [{ store, initial: {} }, 'options.initial must be a function'],
        [{ store, merge: { count: 1 } }, 'options.merge must be an object of functions'],
      ] as const) {
        expect(refusal(options)).toMatchObject({
          code: 'INVALID_VALUE',
          message: expect.stringContaining(text),
        })
      }
    })

    test('a second session(), of this bridge or of grammY, is refused', async () => {
      const store = await open<Data>()
      for (const first of [session({ store, initial }), grammySession({ initial })]) {
        const { bot } = createBot()
        bot.use(first, session({ store, initial, prefix: 'second/' }))
        bot.use(count)
        await expect(bot.handleUpdate(messageUpdate('hi'))).rejects.toMatchObject({
          error: { code: 'INVALID_VALUE', message: expect.stringContaining('Remove one of them') },
        })
      }
      expect(await store.size()).toBe(0)
    })

    test('a class of contexts may declare the field session', async () => {
      const store = await open<Data>()
      class MyContext extends Context {
        session: Data | undefined = undefined
      }
      const bot = new Bot('1:token', { botInfo: BOT_INFO, ContextConstructor: MyContext })
      bot.use(session({ store: store as Store<Record<string, Data | undefined>>, initial }))
      bot.use((ctx) => void ctx.session!.count++)
      await bot.handleUpdate(messageUpdate('hi'))
      expect(await store.get('7')).toEqual({ count: 1 })
    })

    test('a change after the handlers have returned is not stored', async () => {
      const store = await open<Data>()
      let kept: Data | undefined
      await handle({ store, initial }, (ctx) => {
        ctx.session.count++
        kept = ctx.session
      })
      kept!.count = 5
      expect(await store.get('7')).toEqual({ count: 1 })
    })

    test('a store without atomic steps is refused', async () => {
      const store = (await openStoreWithoutAtomicSteps()) as unknown as Store<Record<string, Data>>
      expect(() => session({ store })).toThrow(expect.objectContaining({ code: 'NOT_ATOMIC' }))
    })
  })
}
