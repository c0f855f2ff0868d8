import type { StorageRuntime } from '../src/index.js'
import type { Env } from './env.js'
import { failure } from './http/failure.js'
import { HttpError, json } from './http/reply.js'
import { isOperator, notFound, operatorOnly } from './http/token.js'
import { readEntries } from './inspect.js'
import { answer, readMessage } from './messages.js'
import { readReplay, replay } from './replay.js'
import { chooseStorage, startRuntime } from './storages.js'

export { StorageObject } from '../adapters/storage-object.js'

export default {
  async fetch(request, env, ctx): Promise<Response> {
    try {
      return json(await route(request, env, ctx))
    } catch (error) {
      return failure(error)
    }
  },
} satisfies ExportedHandler<Env>

async function route(request: Request, env: Env, ctx: ExecutionContext): Promise<unknown> {
  const url = new URL(request.url)
  if (url.pathname === '/api/messages') {
    allow(request, 'POST')
    const operator = await isOperator(request, env.ADMIN_TOKEN)
    const message = await readMessage(request)
    const chosen = chooseStorage(env, message.storage)
    return withRuntime(chosen, ctx, async (runtime) => ({
      replies: await answer(message, chosen, runtime, operator),
    }))
  }
  if (url.pathname === '/api/replay') {
    await operatorOnly(request, env.ADMIN_TOKEN)
    allow(request, 'POST')
    const part = await readReplay(request)
    const chosen = chooseStorage(env, part.storage)
    return withRuntime(chosen, ctx, async (runtime) => ({
      replayed: await replay(part, chosen, runtime),
    }))
  }
  const [, namespace] = /^\/admin\/storage\/([^/]+)$/.exec(url.pathname) ?? []
  if (namespace === undefined) throw notFound()
  await operatorOnly(request, env.ADMIN_TOKEN)
  allow(request, 'GET')
  const chosen = chooseStorage(env, url.searchParams.get('storage') ?? undefined)
  return withRuntime(chosen, ctx, async (runtime) => ({
    entries: await readEntries(namespace, runtime),
  }))
}

/** A runtime for one request, closed after the reply. */
async function withRuntime<R>(
  env: Env,
  ctx: ExecutionContext,
  use: (runtime: StorageRuntime) => Promise<R>,
): Promise<R> {
  const runtime = await startRuntime(env)
  try {
    return await use(runtime)
  } finally {
    ctx.waitUntil(runtime.close().catch((error: unknown) => console.error(error)))
  }
}

function allow(request: Request, method: 'GET' | 'POST'): void {
  if (request.method === method) return
  throw new HttpError(405, `Only ${method} is answered here.`, { allow: method })
}
