import { StorageRuntime } from 'botshelf'
import { bearerAuth, createAdminHandler, HttpError } from 'botshelf/admin'
import { durableObject } from 'botshelf/durable-object'

/** What wrangler.toml and the secrets set. */
export interface StorageEnv {
  readonly STORAGE: string
  readonly STORAGE_CONFIG: { readonly binding: string }
  readonly BOT_STORAGE: DurableObjectNamespace
  readonly ADMIN_TOKEN?: string // without it, the bot has no admin API
}

/** Starts the runtime of one request, without I/O. */
export function startRuntime(env: StorageEnv): Promise<StorageRuntime> {
  return StorageRuntime.start(env, [durableObject])
}

/** Handles a request of an operator, below `/admin`. Resolves to `undefined` for other paths. */
export function handleAdmin(
  request: Request,
  env: StorageEnv,
  ctx: ExecutionContext,
): Promise<Response | undefined> {
  const handle = createAdminHandler({
    open(storage = env.STORAGE) {
      if (storage !== env.STORAGE) throw new HttpError(400, `The only storage is ${env.STORAGE}.`)
      return startRuntime(env)
    },
    defaultStorage: env.STORAGE,
    authorize: bearerAuth(env.ADMIN_TOKEN),
    secret: env.ADMIN_TOKEN ?? '',
    waitUntil: (promise) => ctx.waitUntil(promise),
  })
  return handle(request)
}
