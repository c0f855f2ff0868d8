import { findAdminRoute } from './admin-routes.ts'
import { talksOverWeb } from './env.ts'
import { withinLimit } from './http/limit.ts'
import { hasToken, isOperator } from 'botshelf/admin'
import { answer, readMessage } from './messages.ts'
import { readReplay, replay } from './replay.ts'
import { type Route, withRuntime } from './route.ts'
import { chooseStorage, offeredStorages } from './storages.ts'
import { isOnTelegram, readDelivery, takeUpdate } from './telegram.ts'

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    '/api/messages',
    {
      exists: talksOverWeb,
      methods: {
        POST: {
          written: 'what was said',
          run: async (request, env, ctx) => {
            await withinLimit(env.WEB_LIMIT, 'messages', request)
            const operator = await isOperator(request, env.ADMIN_TOKEN)
            const message = await readMessage(request)
            const chosen = chooseStorage(env, message.storage)
            return withRuntime(chosen, ctx, async (runtime) => ({
              replies: await answer(message, chosen, runtime, operator),
            }))
          },
        },
      },
    },
  ],
  [
    '/api/storages',
    {
      methods: {
        GET: {
          run: async (_request, env) => ({
            storages: offeredStorages(env),
            admin: hasToken(env.ADMIN_TOKEN),
            chat: talksOverWeb(env),
          }),
        },
      },
    },
  ],
  [
    '/api/replay',
    {
      operator: true,
      methods: {
        POST: {
          written: 'what was said',
          run: async (request, env, ctx) => {
            const part = await readReplay(request)
            const chosen = chooseStorage(env, part.storage)
            return withRuntime(chosen, ctx, async (runtime) => ({
              replayed: await replay(part, chosen, runtime),
            }))
          },
        },
      },
    },
  ],
  [
    '/telegram',
    {
      exists: isOnTelegram,
      methods: {
        POST: {
          written: 'what was said',
          run: async (request, env, ctx) => {
            const update = await readDelivery(request, env)
            const chosen = chooseStorage(env, undefined)
            await withRuntime(chosen, ctx, (runtime) => takeUpdate(update, chosen, runtime))
            return {}
          },
        },
      },
    },
  ],
])

/** What the Worker does at an address; `undefined` if there is nothing. */
export function findRoute(url: URL): Route | undefined {
  return ROUTES.get(url.pathname) ?? findAdminRoute(url)
}
