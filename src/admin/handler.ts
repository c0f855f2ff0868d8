import { checkRequiredOptions, FUNCTION, type OptionTypes, STRING } from '../arguments.ts'
import { EXCLUDE_OPTIONS } from '../backup/target.ts'
import type { BackupChange } from '../backup/entry.ts'
import { isStoreError, type StorageRuntime } from '../index.ts'
import { createUnauthorizedError } from './bearer-auth.ts'
import { errorResponse, toClientError } from './error-response.ts'
import { jsonResponse, parseQuery } from './http.ts'
import {
  type AdminAction,
  type AdminCall,
  type ChangeAction,
  type ChangeKind,
  findAction,
  findRoute,
  type MatchedRoute,
  namespaceOf,
} from './routes.ts'

/** A change over the admin API, for an audit log. */
export interface AuditRecord {
  readonly kind: ChangeKind
  /** The name of the storage; `undefined` if neither the request nor `defaultStorage` names one. */
  readonly storage: string | undefined
  /**
   * The changes with their values. For `merge` these are the values that the client sent, before
   * merging; `remove` may name the same key twice.
   */
  readonly changes: readonly BackupChange[]
  /** After `failed`, none, some or all of the changes may be applied. */
  readonly outcome: 'done' | 'failed'
  /** The code of the StoreError that the change failed with; absent for any other error. */
  readonly code?: string | undefined
}

/** Options of {@link createAdminHandler}. */
export interface AdminHandlerOptions {
  /**
   * Starts a runtime for the storage that `?storage=` names, or for the default if that is `undefined`.
   * The handler closes the runtime after each request. Throw an HttpError 400 for an unknown name: if
   * it is ignored, a change that was meant for another storage is made in this one.
   */
  readonly open: (
    storage: string | undefined,
    request: Request,
  ) => StorageRuntime | Promise<StorageRuntime>
  /**
   * Decides whether a request may use the API: `true` lets it through, `false` is answered with 401.
   * For any other answer, return a Response or throw an HttpError. {@link bearerAuth} creates such a
   * function.
   */
  readonly authorize: (request: Request) => boolean | Response | Promise<boolean | Response>
  /**
   * The key that signs restore tokens; the admin token is a good one. A restore token is the state of a
   * restore, kept by the client. With it the handler detects a part that is skipped, repeated or out of
   * order, and a change of the mode or the storage midway. It guards against mistakes: an authorized
   * client may change every entry anyway. A new secret ends all unfinished restores. If it is empty,
   * `POST /restore` answers 500.
   */
  readonly secret: string
  /** The path that all routes begin with, without a slash at its end. Default `/admin`. */
  readonly basePath?: string | undefined
  /**
   * The name of the storage that `open(undefined)` starts. A restore that begins without `?storage=` may
   * then continue with this name, and audit records have it. Without it their `storage` is `undefined`.
   */
  readonly defaultStorage?: string | undefined
  /**
   * Namespaces that `GET /backup` omits and that `POST /restore` ignores, without an error. This is no
   * protection: the other routes still list, read and change them. Default none.
   */
  readonly excludedNamespaces?: readonly string[] | undefined
  /**
   * Called for each request to a route before `authorize`, so it limits guesses of the token too.
   * Return a Response or throw an HttpError, such as 429, to refuse the request.
   */
  readonly limit?: ((request: Request) => Response | void | Promise<Response | void>) | undefined
  /**
   * Called after each `PUT`, `PATCH` or part of a restore that succeeded, also if it changed nothing,
   * and after each one that failed once its changes were checked. Not called for a request that was
   * refused before. What it throws goes to `onError`.
   */
  readonly onChange?: ((record: AuditRecord, request: Request) => void | Promise<void>) | undefined
  /** Called with each error except an HttpError below 500. Default `console.error`. */
  readonly onError?: ((error: unknown) => void) | undefined
  /**
   * Keeps the Worker alive while the runtime closes: `(promise) => ctx.waitUntil(promise)`. Without
   * it the handler waits for the runtime to close before it responds.
   */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined
}

const OPTIONS: OptionTypes = {
  open: FUNCTION,
  authorize: FUNCTION,
  secret: STRING,
  basePath: STRING,
  defaultStorage: STRING,
  ...EXCLUDE_OPTIONS,
  limit: FUNCTION,
  onChange: FUNCTION,
  onError: FUNCTION,
  waitUntil: FUNCTION,
}

/** Answers a request of the admin API; resolves to `undefined` for any other path. */
export type AdminHandler = (request: Request) => Promise<Response | undefined>

/**
 * Creates a fetch handler for the admin API, which reads, changes, backs up and restores the entries of
 * a bot over HTTP. `remoteTarget` is its client. Below `basePath` it answers:
 *
 * - `GET /status`: the version of botshelf, the name of the storage and the time; starts the runtime, but
 *   reads no storage
 * - `GET /namespaces`: the names, with `?sizes=true` also the number of entries of each
 * - `GET /keys/:namespace`: a page of keys, sorted, at most 1,000
 * - `GET /storage/:namespace`: a page of entries, or with `?key=` a single entry
 * - `PUT /storage/:namespace`: sets at most 200 entries and removes at most 500 others
 * - `PATCH /storage/:namespace`: merges at most 200 entries and removes at most 200 keys
 * - `GET /backup`: a part of a backup
 * - `POST /restore`: restores a part
 *
 * Each takes `?storage=`, the name that `open` gets.
 *
 * An unknown path resolves to `undefined` and calls nothing. For a route the order is: `limit`,
 * `authorize` (401), the method (405), the parameters (400), `open`, the body (400, 413, 415). Errors
 * become JSON responses with a sentence; the promise does not reject.
 *
 * Creating a handler is cheap: in a Worker, create one for each request, because `env` and `ctx` belong
 * to the request.
 *
 * @throws StoreError `INVALID_VALUE` for invalid options
 * @throws TypeError if `basePath` does not begin with `/` or ends with one
 *
 * @example
 * import { StorageRuntime } from 'botshelf'
 * import { bearerAuth, createAdminHandler, HttpError } from 'botshelf/admin'
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
 *       open(storage = env.STORAGE) {
 *         if (storage !== env.STORAGE) throw new HttpError(400, 'Unknown storage.')
 *         return StorageRuntime.start(env, [durableObject])
 *       },
 *       defaultStorage: env.STORAGE,
 *       authorize: bearerAuth(env.ADMIN_TOKEN),
 *       secret: env.ADMIN_TOKEN,
 *       onChange: ({ kind, changes, outcome }) => console.log(kind, changes.length, outcome),
 *       waitUntil: (promise) => ctx.waitUntil(promise),
 *     })
 *     return (await admin(request)) ?? new Response('Hello from the bot.')
 *   },
 * } satisfies ExportedHandler<Env>
 */
export function createAdminHandler(given: AdminHandlerOptions): AdminHandler {
  const options = checkRequiredOptions(given, OPTIONS, ['open', 'authorize'])
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
      const refusal = await checkAccess(request, options)
      if (refusal !== undefined) return refusal
      action = findAction(route, request.method)
      return jsonResponse(await runAction(action, route, request, { ...options, onError }))
    } catch (error) {
      const writtenNoun =
        action !== undefined && 'change' in action ? action.writtenNoun : undefined
      // Only an authorized client has an action.
      return errorResponse(error, { writtenNoun, showLocation: action !== undefined, onError })
    }
  }
}

/** Resolves to the response of `limit` or `authorize` if one of them returned one, else `undefined`. */
async function checkAccess(
  request: Request,
  { limit, authorize }: AdminHandlerOptions,
): Promise<Response | undefined> {
  const limited = await limit?.(request)
  if (limited instanceof Response) return limited
  const authorized = await authorize(request)
  if (authorized instanceof Response) return authorized
  if (!authorized) throw createUnauthorizedError('This request is not authorized.')
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
  const query = parseQuery(request, parameters)
  const namespace = namespaceOf(route, query)
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

/** Runs a change and reports it, also if it failed after its check: some of it may be applied. */
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
      // A failed report must not change the response to the change itself.
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
    // Without planned changes, the call failed before its first write.
    if (planned.length > 0) await report({ changes: planned, outcome: 'failed', code })
    throw error
  }
}
