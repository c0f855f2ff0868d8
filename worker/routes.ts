import { findAdminRoute } from './admin-routes.ts'
import { talksOverWeb } from './env.ts'
import { withinLimit } from './http/limit.ts'
import { hasToken, isOperator } from 'botshelf/admin'
import { answerMessage, readMessage } from './messages.ts'
import { readReplayRequest, replayLog } from './replay.ts'
import { type Route, withRuntime } from './route.ts'
import { chooseStorage, offeredStorages } from './storages.ts'
import { isTelegramEnabled, readWebhookRequest, handleUpdate } from './telegram.ts'

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
              replies: await answerMessage(message, chosen, runtime, operator),
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
            const part = await readReplayRequest(request)
            const chosen = chooseStorage(env, part.storage)
            return withRuntime(chosen, ctx, async (runtime) => ({
              replayed: await replayLog(part, chosen, runtime),
            }))
          },
        },
      },
    },
  ],
  [
    '/telegram',
    {
      exists: isTelegramEnabled,
      methods: {
        POST: {
          written: 'what was said',
          run: async (request, env, ctx) => {
            const update = await readWebhookRequest(request, env)
            const chosen = chooseStorage(env, undefined)
            await withRuntime(chosen, ctx, (runtime) => handleUpdate(update, chosen, runtime))
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
