import type { StorageRuntime } from 'botshelf'
import { bearerAuth, errorResponse, HttpError, jsonResponse } from 'botshelf/admin'
import { type Env, isWebChatEnabled } from './env.ts'
import { enforceLimit } from './http/limit.ts'
import { answerMessage, readMessage } from './messages.ts'
import { readReplayRequest, replayLog } from './replay.ts'
import { withStorage, offeredStorages, startRuntime } from './storages.ts'
import { handleUpdate, isTelegramEnabled, readWebhookRequest } from './telegram.ts'

/** A path of the bot and the one method that it takes. */
interface Route {
  readonly method: 'GET' | 'POST'
  /** Whether it needs the admin token. Default `false`. */
  readonly needsAdminToken?: true
  /** Returns whether the configuration enables the path. Default always. */
  readonly isEnabled?: (env: Env) => boolean
  /** Names what it stores, for error messages, such as `the message`. */
  readonly writtenNoun?: string
  /** Handles the request; resolves to the JSON of the response. */
  readonly run: (request: Request, env: Env, ctx: ExecutionContext) => Promise<unknown>
}

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/api/storages', { method: 'GET', run: describeBot }],
  [
    '/api/messages',
    { method: 'POST', isEnabled: isWebChatEnabled, writtenNoun: 'the message', run: postMessage },
  ],
  [
    '/api/replay',
    { method: 'POST', needsAdminToken: true, writtenNoun: 'the events', run: postReplay },
  ],
  [
    '/telegram',
    { method: 'POST', isEnabled: isTelegramEnabled, writtenNoun: 'the update', run: postUpdate },
  ],
])

/**
 * Answers a request to one of the bot's own routes, and any other request with 404.
 *
 * A wrong method is 405. `/api/messages` counts a request for `WEB_LIMIT` after that check.
 * `/api/replay` counts it for `ADMIN_LIMIT` and checks the token before it. `/telegram` has no limit.
 */
export async function answerRoute(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
): Promise<Response> {
  const route = ROUTES.get(new URL(request.url).pathname)
  try {
    if (route === undefined || route.isEnabled?.(env) === false) {
      throw new HttpError(404, 'Not found.')
    }
    if (route.needsAdminToken) await requireAdminToken(request, env)
    const { method: allow } = route
    if (request.method !== allow) {
      throw new HttpError(405, `This path takes only ${allow}; received ${request.method}.`, {
        allow,
      })
    }
    return jsonResponse(await route.run(request, env, ctx))
  } catch (error) {
    return errorResponse(error, {
      writtenNoun: route?.writtenNoun,
      showLocation: route?.needsAdminToken,
    })
  }
}

async function describeBot(_request: Request, env: Env): Promise<unknown> {
  return {
    storages: offeredStorages(env),
    // Whether the admin API exists.
    admin: Boolean(env.ADMIN_TOKEN),
    chat: isWebChatEnabled(env),
  }
}

async function postMessage(request: Request, env: Env, ctx: ExecutionContext): Promise<unknown> {
  await enforceLimit(env.WEB_LIMIT, 'messages', request)
  // A message needs no token. With the admin token its sender is an admin; a wrong token is 401. Without
  // a configured token the header is ignored.
  const hasAdminToken =
    Boolean(env.ADMIN_TOKEN) &&
    request.headers.has('authorization') &&
    (await bearerAuth(env.ADMIN_TOKEN)(request))
  const message = await readMessage(request)
  const storageEnv = withStorage(env, message.storage)
  return withRuntime(storageEnv, ctx, async (runtime) => ({
    replies: await answerMessage(message, storageEnv, runtime, hasAdminToken),
  }))
}

async function postReplay(request: Request, env: Env, ctx: ExecutionContext): Promise<unknown> {
  const part = await readReplayRequest(request)
  const storageEnv = withStorage(env, part.storage)
  return withRuntime(storageEnv, ctx, async (runtime) => ({
    replayed: await replayLog(part, storageEnv, runtime),
  }))
}

async function postUpdate(request: Request, env: Env, ctx: ExecutionContext): Promise<unknown> {
  const update = await readWebhookRequest(request, env)
  const storageEnv = withStorage(env, undefined)
  await withRuntime(storageEnv, ctx, (runtime) => handleUpdate(update, storageEnv, runtime))
  return {}
}

/** @throws HttpError 404 without a configured token, 429 for too many requests, 401 for a wrong token */
async function requireAdminToken(request: Request, env: Env): Promise<void> {
  if (env.ADMIN_TOKEN) await enforceLimit(env.ADMIN_LIMIT, 'admin', request)
  await bearerAuth(env.ADMIN_TOKEN)(request)
}

/** Starts a runtime for one request and closes it after the response. */
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
