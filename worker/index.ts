import { bearerAuth, createAdminHandler } from 'botshelf/admin'
import { EXCLUDED_FROM_BACKUP } from './bot/excluded-from-backup.ts'
import type { Env } from './env.ts'
import { logChange } from './http/audit.ts'
import { enforceLimit } from './http/limit.ts'
import { answerRoute } from './routes.ts'
import { withStorage, startRuntime } from './storages.ts'

export { StorageObject } from 'botshelf/storage-object'

/**
 * The Worker. `[assets]` in wrangler.toml serves the page without running it. It answers the admin API
 * (`/admin/...`) and the bot's own routes.
 */
export default {
  async fetch(request, env, ctx): Promise<Response> {
    return (await answerAdminApi(request, env, ctx)) ?? answerRoute(request, env, ctx)
  },
} satisfies ExportedHandler<Env>

/** Answers a call to the admin API; `undefined` for other paths, and if there is no admin token. */
async function answerAdminApi(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
): Promise<Response | undefined> {
  const { ADMIN_TOKEN: token, STORAGE: defaultStorage } = env
  if (!token) return undefined
  const handle = createAdminHandler({
    open: (storage) => startRuntime(withStorage(env, storage)),
    limit: () => enforceLimit(env.ADMIN_LIMIT, 'admin', request),
    authorize: bearerAuth(token),
    secret: token,
    defaultStorage,
    excludedNamespaces: EXCLUDED_FROM_BACKUP,
    onChange: (record) => logChange(record, request),
    waitUntil: (promise) => ctx.waitUntil(promise),
  })
  return handle(request)
}
