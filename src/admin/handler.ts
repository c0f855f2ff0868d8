import type { BackupChange } from '../backup/entry.ts'
import type { ExcludeOptions } from '../backup/target.ts'
import { isStoreError, type StorageRuntime } from '../index.ts'
import { unauthorized } from './bearer-token.ts'
import { errorResponse, toClientError } from './error-response.ts'
import { jsonResponse, readQuery } from './http.ts'
import {
  type AdminAction,
  type AdminCall,
  type ChangeAction,
  type ChangeKind,
  findAction,
  findRoute,
  type MatchedRoute,
  readNamespace,
} from './routes.ts'

/** A change over the admin API, for a log of who changed what. */
export interface AuditRecord {
  readonly kind: ChangeKind
  /** The name of the storage; `undefined` if neither the request nor `defaultStorage` names one. */
  readonly storage: string | undefined
  /** The changes with their values. If two name the same entry, the last one counts. */
  readonly changes: readonly BackupChange[]
  /** After `failed`, some of the changes may be applied. */
  readonly outcome: 'done' | 'failed'
  /** The code of the StoreError, if that is why it failed. */
  readonly code?: string | undefined
}

/** Options of {@link createAdminHandler}. */
export interface AdminHandlerOptions extends ExcludeOptions {
  /**
   * Opens the storage that `?storage=` names, or the default for `undefined`. The handler closes the
   * runtime after the response. Throw an HttpError 400 for an unknown name; a bot with one storage
   * may ignore the name.
   */
  readonly open: (
    storage: string | undefined,
    request: Request,
  ) => StorageRuntime | Promise<StorageRuntime>
  /**
   * Decides whether a request may use the API: `true` lets it through, `false` answers 401. To answer
   * otherwise, return a Response or throw an HttpError. {@link bearerToken} makes such a function.
   */
  readonly authorize: (request: Request) => boolean | Response | Promise<boolean | Response>
  /** Signs the ids of restores, so that a client cannot skip a part. The admin token will do. */
  readonly secret: string
  /** The path that all routes are below. Default `/admin`. */
  readonly basePath?: string | undefined
  /** The name of the storage that `open(undefined)` opens, for restores and audit records. */
  readonly defaultStorage?: string | undefined
  /**
   * Called for each request to a route before `authorize`, so it limits guesses of the token too.
   * Return a Response or throw an HttpError, such as 429, to refuse the request.
   */
  readonly limit?: ((request: Request) => Response | void | Promise<Response | void>) | undefined
  /** Called after each change, also after one that failed. What it throws goes to `onError`. */
  readonly onChange?: ((record: AuditRecord, request: Request) => void | Promise<void>) | undefined
  /** Gets errors that are not the client's. Default `console.error`. */
  readonly onError?: ((error: unknown) => void) | undefined
  /**
   * Keeps the Worker alive while the runtime closes: `(promise) => ctx.waitUntil(promise)`. Without
   * it the handler waits for the runtime to close before it responds.
   */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined
}

/** Answers a request of the admin API; resolves to `undefined` for any other path. */
export type AdminHandler = (request: Request) => Promise<Response | undefined>

/**
 * Makes a fetch handler with which an operator reads, changes, backs up and restores what a bot
 * stores, over HTTP. `docs/operating.md` describes its routes; `remoteTarget` is its client. Making a
 * handler is cheap: in a Worker, make one for each request, because `env` and `ctx` belong to it.
 *
 * For each request to a route it calls `limit`, then `authorize`, and then opens the storage. Errors
 * become JSON responses with a sentence; the promise does not reject.
 *
 * @throws TypeError if `basePath` does not begin with `/` or ends with one
 *
 * @example
 * import { StorageRuntime } from 'botshelf'
 * import { bearerToken, createAdminHandler } from 'botshelf/admin'
 * import { durableObject } from 'botshelf/durable-object'
 * export { StorageObject } from 'botshelf/storage-object'
 *
 * interface Env {
 *   readonly STORAGE: string // DurableObject
 *   readonly STORAGE_CONFIG: unknown // { binding = "BOT_STORAGE" }
 *   readonly ADMIN_TOKEN: string // npx wrangler secret put ADMIN_TOKEN
 * }
 *
 * export default {
 *   async fetch(request, env, ctx): Promise<Response> {
 *     const admin = createAdminHandler({
 *       open: () => StorageRuntime.start(env, [durableObject]),
 *       authorize: bearerToken(env.ADMIN_TOKEN),
 *       secret: env.ADMIN_TOKEN,
 *       onChange: ({ kind, changes, outcome }) => console.log(kind, changes.length, outcome),
 *       waitUntil: (promise) => ctx.waitUntil(promise),
 *     })
 *     return (await admin(request)) ?? new Response('Hello from the bot.')
 *   },
 * } satisfies ExportedHandler<Env>
 */
export function createAdminHandler(options: AdminHandlerOptions): AdminHandler {
  const { basePath = '/admin', onError = console.error } = options
  if (!/^(?:\/.*[^/])?$/.test(basePath)) {
    throw new TypeError(
      `basePath must begin with "/" and not end with one, such as "/admin"; received ${JSON.stringify(basePath)}.`,
    )
  }
  return async (request) => {
    const route = findRoute(new URL(request.url).pathname, basePath)
    if (route === undefined) return undefined
    let action: AdminAction | undefined
    try {
      const refusal = await refuse(request, options)
      if (refusal !== undefined) return refusal
      action = findAction(route, request.method)
      return jsonResponse(await runAction(action, route, request, { ...options, onError }))
    } catch (error) {
      const written = action !== undefined && 'change' in action ? action.written : undefined
      // Only an authorized client has an action.
      return errorResponse(error, { written, showLocation: action !== undefined, onError })
    }
  }
}

/** Resolves to the response for a request that may not use the API. */
async function refuse(
  request: Request,
  { limit, authorize }: AdminHandlerOptions,
): Promise<Response | undefined> {
  const limited = await limit?.(request)
  if (limited instanceof Response) return limited
  const authorized = await authorize(request)
  if (authorized instanceof Response) return authorized
  if (!authorized) throw unauthorized('This request is not authorized.')
  return undefined
}

type CheckedOptions = AdminHandlerOptions & { readonly onError: (error: unknown) => void }

/** Opens the storage, runs the action and closes the storage; resolves to the response body. */
async function runAction(
  action: AdminAction,
  route: MatchedRoute,
  request: Request,
  options: CheckedOptions,
): Promise<unknown> {
  const { open, secret, excludedNamespaces = [], defaultStorage = '', waitUntil, onError } = options
  const isNamed = route.hasNamespace && route.segment === undefined
  const parameters = ['storage', ...(isNamed ? ['namespace'] : []), ...action.parameters]
  const query = readQuery(request, parameters)
  const namespace = readNamespace(route, query)
  const storage = query['storage'] ?? defaultStorage
  try {
    const runtime = await open(query['storage'], request)
    try {
      const call = { request, query, runtime, storage, namespace, excludedNamespaces, secret }
      return await ('read' in action ? action.read(call) : runChange(action, call, options))
    } finally {
      const closed = runtime.close().catch(onError)
      if (waitUntil === undefined) await closed
      else waitUntil(closed)
    }
  } catch (error) {
    throw toClientError(error)
  }
}

/** Runs a change and reports it, also if it failed, because some of it may be applied. */
async function runChange(
  action: ChangeAction,
  call: AdminCall,
  { onChange, onError }: CheckedOptions,
): Promise<unknown> {
  const report = async (outcome: Pick<AuditRecord, 'changes' | 'outcome' | 'code'>) => {
    const record = { kind: action.kind, storage: call.storage || undefined, ...outcome }
    try {
      await onChange?.(record, call.request)
    } catch (error) {
      // The change is made, or failed for its own reason: the response must say so.
      onError(error)
    }
  }
  let planned: readonly BackupChange[] = []
  try {
    const { changes, fields } = await action.change(call, (checked) => (planned = checked))
    await report({ changes, outcome: 'done' })
    const removed = changes.filter((change) => 'remove' in change).length
    return { ...fields, set: changes.length - removed, removed }
  } catch (error) {
    const code = isStoreError(error) ? error.code : undefined
    // Without a plan, the call failed before its first write.
    if (planned.length > 0) await report({ changes: planned, outcome: 'failed', code })
    throw error
  }
}
