import { decodeCursor } from '../backup/cursor.ts'
import type { BackupChange } from '../backup/entry.ts'
import { readPart } from '../backup/read-parts.ts'
import { countEntries, listNamespaces } from '../backup/runtime-target.ts'
import type { StorageRuntime } from '../index.ts'
import { VERSION } from '../version.ts'
import { HttpError, type Query, parseChoice } from './http.ts'
import { readEntriesPage, readKeysPage, type ValueForm } from './read-namespace.ts'
import { readRestoreRequest, restorePart, signRestoreToken } from './restore.ts'
import {
  mergeNamespace,
  type OnPlanned,
  readMergeRequest,
  readReplaceRequest,
  replaceNamespace,
} from './write-namespace.ts'

/** An authorized call with its storage open. */
export interface AdminCall {
  readonly request: Request
  readonly query: Query
  readonly runtime: StorageRuntime
  /** The name of the storage. */
  readonly storage: string
  /** The namespace in the URL; empty for a route that takes none. */
  readonly namespace: string
  readonly excludedNamespaces: readonly string[]
  /** The key that signs restore tokens. */
  readonly secret: string
}

/** An action that only reads; resolves to the body of the response. */
export interface ReadAction {
  /** The parameters that it takes besides `storage` and `namespace`. */
  readonly parameters: readonly string[]
  readonly read: (call: AdminCall) => Promise<unknown>
}

/** The kind of a change: `set` for `PUT` of a namespace, `merge` for `PATCH`, or a part of a restore. */
export type ChangeKind = 'set' | 'merge' | 'restore'

/** An action that changes entries. */
export interface ChangeAction {
  /** The parameters that it takes besides `storage` and `namespace`. */
  readonly parameters: readonly string[]
  readonly kind: ChangeKind
  /** Names what it stores, for error messages, such as `the entries`. */
  readonly writtenNoun: string
  readonly change: (call: AdminCall, onPlanned: OnPlanned) => Promise<ChangeResult>
}

/** The result of a change. */
export interface ChangeResult {
  readonly changes: readonly BackupChange[]
  /** Fields of the response besides `set` and `removed`. */
  readonly fields?: Readonly<Record<string, unknown>>
}

/** What the admin API does for one method of a path. */
export type AdminAction = ReadAction | ChangeAction

/** The actions of a path below the base path, by method. */
export interface AdminRoute {
  readonly actions: Readonly<Record<string, AdminAction>>
  /** Whether the URL names a namespace, as the next segment or by `?namespace=`. */
  readonly hasNamespace: boolean
}

/** A route that matches a URL. */
export interface MatchedRoute extends AdminRoute {
  /** The namespace as it is escaped in the path. */
  readonly segment: string | undefined
}

const ROUTES: ReadonlyMap<string, AdminRoute> = new Map<string, AdminRoute>([
  [
    'status',
    {
      hasNamespace: false,
      actions: {
        GET: {
          parameters: [],
          // JSON leaves out a storage without a name.
          read: async ({ storage }) => ({
            version: VERSION,
            storage: storage || undefined,
            now: Date.now(),
          }),
        },
      },
    },
  ],
  [
    'namespaces',
    {
      hasNamespace: false,
      actions: {
        GET: {
          parameters: ['sizes'],
          async read({ runtime, query }) {
            const { sizes } = query
            if (sizes === undefined) return { namespaces: await listNamespaces(runtime) }
            parseChoice('sizes', sizes, ['true'])
            const counts = await countEntries(runtime)
            return { namespaces: [...counts.keys()], sizes: Object.fromEntries(counts) }
          },
        },
      },
    },
  ],
  [
    'keys',
    {
      hasNamespace: true,
      actions: {
        GET: {
          parameters: ['prefix', 'cursor'],
          read: ({ runtime, namespace, query: { prefix, cursor } }) =>
            readKeysPage(runtime, { namespace, prefix, cursor }),
        },
      },
    },
  ],
  [
    // The entries of a namespace. The parameter `storage`, in contrast, names a backend.
    'storage',
    {
      hasNamespace: true,
      actions: {
        GET: {
          parameters: ['key', 'prefix', 'cursor', 'as'],
          read({ runtime, namespace, query }) {
            const { key, prefix, cursor } = query
            return readEntriesPage(runtime, {
              namespace,
              key,
              prefix,
              cursor,
              form: parseForm(query),
            })
          },
        },
        PUT: {
          parameters: ['as'],
          kind: 'set',
          writtenNoun: 'the entries',
          async change({ request, runtime, namespace, query }, onPlanned) {
            const sent = await readReplaceRequest(request, { namespace, form: parseForm(query) })
            return { changes: await replaceNamespace(runtime, namespace, sent, onPlanned) }
          },
        },
        PATCH: {
          parameters: ['as'],
          kind: 'merge',
          writtenNoun: 'the entries',
          async change({ request, runtime, namespace, query }, onPlanned) {
            const sent = await readMergeRequest(request, { namespace, form: parseForm(query) })
            return { changes: await mergeNamespace(runtime, namespace, sent, onPlanned) }
          },
        },
      },
    },
  ],
  [
    'backup',
    {
      hasNamespace: false,
      actions: {
        GET: {
          parameters: ['cursor'],
          read({ runtime, excludedNamespaces, query: { cursor } }) {
            const after = cursor ? decodeCursor(cursor) : undefined
            return readPart(runtime, { after, excludedNamespaces })
          },
        },
      },
    },
  ],
  [
    'restore',
    {
      hasNamespace: false,
      actions: {
        POST: {
          parameters: [],
          kind: 'restore',
          writtenNoun: 'the part',
          async change({ request, runtime, storage, secret, excludedNamespaces }, onPlanned) {
            if (secret === '') {
              throw new HttpError(
                500,
                'createAdminHandler needs a "secret" that is not empty, to sign restore tokens.',
              )
            }
            const part = await readRestoreRequest(request, { storage, secret })
            const options = { excludedNamespaces, onPlanned }
            const { state, changes, hasMoreToRemove, done } = await restorePart(
              runtime,
              part,
              options,
            )
            return {
              changes,
              fields: {
                restore: await signRestoreToken(state, secret),
                again: hasMoreToRemove,
                done,
              },
            }
          },
        },
      },
    },
  ],
])

/** Finds the route of a path; `undefined` if the admin API has none there. */
export function findRoute(pathname: string, basePath: string): MatchedRoute | undefined {
  if (!pathname.startsWith(`${basePath}/`)) return undefined
  const [name = '', segment, ...others] = pathname.slice(basePath.length + 1).split('/')
  const route = ROUTES.get(name)
  if (route === undefined || others.length > 0) return undefined
  if (segment !== undefined && (segment === '' || !route.hasNamespace)) return undefined
  return { ...route, segment }
}

/** @throws HttpError 405 if the route does not take the method */
export function findAction({ actions }: AdminRoute, method: string): AdminAction {
  const action = Object.hasOwn(actions, method) ? actions[method] : undefined
  if (action !== undefined) return action
  const allow = Object.keys(actions).join(', ')
  throw new HttpError(405, `This path takes only ${allow}; received ${method}.`, { allow })
}

/**
 * Returns the namespace that a URL names. URLs drop the segments `.` and `..`, also if they are
 * escaped, so those namespaces go into `?namespace=`.
 *
 * @throws HttpError 400
 */
export function namespaceOf({ hasNamespace, segment }: MatchedRoute, query: Query): string {
  if (!hasNamespace) return ''
  const namespace = segment === undefined ? query['namespace'] : unescape(segment)
  if (namespace !== undefined) return namespace
  throw new HttpError(400, 'Name a namespace, in the path or by "?namespace=".')
}

function unescape(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new HttpError(400, 'The namespace in the path is not percent-encoded UTF-8.')
  }
}

function parseForm({ as = 'text' }: Query): ValueForm {
  return parseChoice('as', as, ['text', 'json'])
}
