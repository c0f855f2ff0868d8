import type {
  Context,
  Middleware,
  MiddlewareFn,
  SessionFlavor,
  SessionOptions as GrammySessionOptions,
} from 'grammy'
import { checkRequiredOptions, DURATION, FUNCTION, STRING } from '../src/arguments.ts'
import { quote, StoreError } from '../src/errors.ts'
import type { Store } from '../src/store.ts'
import { checkStore } from './check-store.ts'
import { ChatSession } from './grammy/chat-session.ts'
import { missingKey, secondSession } from './grammy/errors.ts'
import { isSessionMerge, type SessionMerge } from './grammy/merge.ts'

export type { FieldMerge, SessionMerge } from './grammy/merge.ts'
export { storageAdapter } from './grammy/storage-adapter.ts'

/** The options of {@link session}. The type `S` of a session is that of the store's values. */
export interface SessionOptions<S, C extends Context = Context> extends Pick<
  GrammySessionOptions<NoInfer<S>, C>,
  'initial' | 'prefix' | 'getSessionKey'
> {
  /** Holds the sessions. */
  readonly store: Store<Record<string, S>>
  /** Time to live after each change, in milliseconds; more than 0. Default: keep the expiry. */
  readonly ttl?: number | undefined
  /** How to combine the values of a field that two updates changed. Default: reject one of them. */
  readonly merge?: SessionMerge<NoInfer<S>> | undefined
}

const SESSION_OPTIONS = {
  store: ['an open store', () => true],
  initial: FUNCTION,
  prefix: STRING,
  getSessionKey: FUNCTION,
  ttl: DURATION,
  merge: ['an object of functions', isSessionMerge],
} as const

/** The session of each update; `undefined` for an update without a session key. */
const sessions = new WeakMap<Context, ChatSession<unknown> | undefined>()

/**
 * Creates a middleware that replaces grammY's `session()` and loses no change if two updates of a
 * chat are handled at the same time. `ctx.session` is read before the handlers run. What they changed
 * is stored after them in one atomic step; nothing is written if they only read or one of them throws.
 *
 * If another update has written in between, the changes are combined field by field. If both changed
 * a field, `merge` combines its values; without it the middleware rejects.
 *
 * @throws StoreError `INVALID_VALUE` for a wrong option; `NOT_ATOMIC` if the store's backend has no
 * atomic steps. The middleware rejects with `CONFLICT` if both changed a field, with `INVALID_VALUE`
 * if a session cannot be stored or another `session()` has run before, and with the store's errors.
 *
 * @see https://grammy.dev/plugins/session
 *
 * @example
 * bot.use(session({
 *   store: await runtime.open('sessions'),
 *   initial: () => ({ count: 0 }),
 *   merge: { count: (base = 0, mine = 0, current = 0) => current + mine - base },
 * }))
 */
export function session<S, C extends Context>(
  options: SessionOptions<S, C>,
): MiddlewareFn<C & SessionFlavor<S>> {
  const settings = checkRequiredOptions(options, SESSION_OPTIONS, ['store'])
  const { prefix = '', getSessionKey = (ctx) => ctx.chatId?.toString() } = settings
  const store = checkStore(settings.store, { caller: 'session' })
  return async (ctx, next) => {
    // As every session() leaves it.
    if (Object.getOwnPropertyDescriptor(ctx, 'session')?.configurable === false)
      throw secondSession(store.namespace)
    const key: unknown = await getSessionKey(ctx)
    if (key !== undefined && typeof key !== 'string') {
      throw new StoreError(
        'INVALID_KEY',
        `getSessionKey() must return a string or undefined; received ${quote(key)}.`,
        { namespace: store.namespace },
      )
    }
    const current =
      key === undefined ? key : await new ChatSession(store, prefix + key, settings).read()
    sessions.set(ctx, current as ChatSession<unknown> | undefined)
    const access = (): ChatSession<S> => {
      if (current) return current
      throw missingKey(store.namespace)
    }
    Object.defineProperty(ctx, 'session', {
      enumerable: true,
      get: () => access().value,
      set: (value: S | null | undefined) => void (access().value = value),
    })
    await next()
    await current?.save()
  }
}

/**
 * Wraps a handler that changes `ctx.session` and has no other effect. It runs inside the atomic step
 * that stores the session, on the current session, and again if another update writes first, so it
 * needs no `merge`. If it calls `next()`, the following handlers run once, after the session is
 * stored; there they can send a reply. If it throws, nothing that it changed is stored.
 *
 * @throws StoreError `INVALID_VALUE` if it is no middleware. What it returns rejects with
 * `INVALID_VALUE` if {@link session} has not run before it, with `CONFLICT` if a handler before it
 * and another update changed a field, and with the store's errors.
 *
 * @example
 * bot.command('count', pure((ctx, next) => {
 *   ctx.session.count++
 *   return next()
 * }), (ctx) => ctx.reply(`Number ${ctx.session.count}`))
 */
export function pure<C extends Context>(handler: Middleware<C>): MiddlewareFn<C> {
  if (typeof handler !== 'function' && typeof handler?.middleware !== 'function') {
    throw new StoreError(
      'INVALID_VALUE',
      `pure() needs what bot.use() takes; received ${quote(handler)}. Pass a handler or a composer.`,
    )
  }
  return async (ctx, next) => {
    // A composer may have got more handlers since.
    const run = typeof handler === 'function' ? handler : handler.middleware()
    if (!sessions.has(ctx)) {
      throw new StoreError(
        'INVALID_VALUE',
        'pure() needs the session() of botshelf/grammy; it has not run for this update. Call bot.use(session(options)) first.',
      )
    }
    let isNextCalled = false
    const attempt = async (): Promise<void> => {
      isNextCalled = false
      await run(ctx, async () => void (isNextCalled = true))
    }
    await (sessions.get(ctx)?.update(attempt) ?? attempt())
    if (isNextCalled) await next()
  }
}
