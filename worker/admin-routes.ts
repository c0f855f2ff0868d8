import { isStoreError, type StorageRuntime } from 'botshelf'
import { namespacesOf, type BackupChange, readCursor, readPage, sizesOf } from 'botshelf/backup'
import { audit, type AuditLine } from './http/audit.ts'
import { clientOf } from './http/client.ts'
import {
  HttpError,
  mergeNamespace,
  readChoice,
  readEntries,
  readKeys,
  readMerge,
  readQuery,
  readRestore,
  readSet,
  refuseWrong,
  restorePart,
  setNamespace,
  type ValueForm,
  writeRestoreId,
} from 'botshelf/admin'
import { type Action, type Route, withRuntime } from './route.ts'
import { chooseStorage } from './storages.ts'

/** What the operator's API does at an address; `undefined` if there is nothing. */
export function findAdminRoute({ pathname, searchParams }: URL): Route | undefined {
  // A namespace stands in the path, or as `?namespace=` where no path can hold it: an address drops
  // `.` and `..`, however they are escaped.
  const [, what, escaped] = /^\/admin\/(storage|keys)(?:\/([^/]+))?$/.exec(pathname) ?? []
  if (what === undefined) return ROUTES.get(pathname)
  const named = searchParams.get('namespace')
  if (escaped === undefined && named === null) {
    return { operator: true, methods: { GET: UNNAMED, PUT: UNNAMED, PATCH: UNNAMED } }
  }
  const of: Named =
    escaped === undefined
      ? { namespace: () => named ?? '', parameters: ['storage', 'namespace'] }
      : { namespace: () => unescapeNamespace(escaped), parameters: ['storage'] }
  return what === 'keys' ? keysRoute(of) : storageRoute(of)
}

/** The namespace that an address names, and the parameters that go with it. */
interface Named {
  readonly namespace: () => string
  readonly parameters: readonly string[]
}

/** What is said where a namespace is missing; to the operator alone. */
const UNNAMED: Action = {
  run: async () => {
    throw new HttpError(400, 'Name a namespace, in the path or by "?namespace=".')
  },
}

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    '/admin/namespaces',
    {
      operator: true,
      methods: {
        GET: reading(['storage', 'sizes'], async (runtime, { sizes }) => {
          if (sizes === undefined) return { namespaces: await namespacesOf(runtime) }
          readChoice('sizes', sizes, ['true'])
          const found = await sizesOf(runtime)
          return { namespaces: [...found.keys()], sizes: Object.fromEntries(found) }
        }),
      },
    },
  ],
  [
    '/admin/backup',
    {
      operator: true,
      methods: {
        GET: reading(['storage', 'cursor'], (runtime, { cursor }) => {
          return readPage(runtime, cursor ? readCursor(cursor) : undefined)
        }),
      },
    },
  ],
  [
    '/admin/restore',
    {
      operator: true,
      methods: {
        POST: {
          written: 'what was to be restored',
          run: (request, env, ctx) =>
            refuseWrong(async () => {
              const chosen = chooseStorage(env, readQuery(request, ['storage'])['storage'])
              const token = env.ADMIN_TOKEN ?? ''
              const call = await readRestore(request, chosen.STORAGE ?? '', token)
              return withRuntime(chosen, ctx, async (runtime) => {
                const { changes, ...answer } = await audited(
                  { audit: 'restore', client: clientOf(request), storage: chosen.STORAGE },
                  (about) => restorePart(runtime, call, about),
                )
                const { again, done, state } = answer
                const removed = countRemoved(changes)
                const set = changes.length - removed
                return { restore: await writeRestoreId(state, token), set, removed, again, done }
              })
            }),
        },
      },
    },
  ],
])

function storageRoute({ namespace, parameters }: Named): Route {
  return {
    operator: true,
    methods: {
      GET: reading([...parameters, 'key', 'prefix', 'cursor', 'as'], (runtime, query) => {
        const { key, prefix, cursor } = query
        return readEntries(runtime, {
          namespace: namespace(),
          key,
          prefix,
          cursor,
          as: valueForm(query),
        })
      }),
      PUT: changing('set', parameters, async (request, form) => {
        const provision = await readSet(request, namespace(), form)
        return (runtime, about) => setNamespace(runtime, namespace(), provision, about)
      }),
      PATCH: changing('merge', parameters, async (request, form) => {
        const merge = await readMerge(request, namespace(), form)
        return (runtime, about) => mergeNamespace(runtime, namespace(), merge, about)
      }),
    },
  }
}

function keysRoute({ namespace, parameters }: Named): Route {
  return {
    operator: true,
    methods: {
      GET: reading([...parameters, 'prefix', 'cursor'], (runtime, { prefix, cursor }) =>
        readKeys(runtime, { namespace: namespace(), prefix, cursor }),
      ),
    },
  }
}

type Query = ReturnType<typeof readQuery>

/** An action that only reads. */
function reading(
  parameters: readonly string[],
  read: (runtime: StorageRuntime, query: Query) => Promise<unknown>,
): Action {
  return {
    run: (request, env, ctx) =>
      refuseWrong(async () => {
        const query = readQuery(request, parameters)
        return withRuntime(chooseStorage(env, query['storage']), ctx, (runtime) =>
          read(runtime, query),
        )
      }),
  }
}

type About = (changes: readonly BackupChange[]) => void

/** Makes a change of which all that was sent is checked; resolves to what was changed. */
type Change = (runtime: StorageRuntime, about: About) => Promise<readonly BackupChange[]>

/** An action that changes a namespace. */
function changing(
  kind: AuditLine['audit'],
  parameters: readonly string[],
  read: (request: Request, form: ValueForm) => Promise<Change>,
): Action {
  return {
    written: 'what was sent',
    run: (request, env, ctx) =>
      refuseWrong(async () => {
        const query = readQuery(request, [...parameters, 'as'])
        const chosen = chooseStorage(env, query['storage'])
        const change = await read(request, valueForm(query))
        return withRuntime(chosen, ctx, async (runtime) => {
          const { changes } = await audited(
            { audit: kind, client: clientOf(request), storage: chosen.STORAGE },
            async (about) => ({ changes: await change(runtime, about) }),
          )
          const removed = countRemoved(changes)
          return { set: changes.length - removed, removed }
        })
      }),
  }
}

/** Makes changes, and logs which, also if it fails, since some of them may be made. */
async function audited<R extends { readonly changes: readonly BackupChange[] }>(
  line: Omit<AuditLine, 'changes' | 'outcome'>,
  make: (about: About) => Promise<R>,
): Promise<R> {
  let changes: readonly BackupChange[] = []
  try {
    const made = await make((planned) => (changes = planned))
    audit({ ...line, changes: made.changes, outcome: 'done' })
    return made
  } catch (error) {
    const code = isStoreError(error) ? error.code : undefined
    // Before that, nothing was to be changed yet.
    if (changes.length > 0) audit({ ...line, changes, outcome: 'failed', code })
    throw error
  }
}

/** How many entries are removed. */
function countRemoved(changes: readonly BackupChange[]): number {
  return changes.filter((change) => 'remove' in change).length
}

function valueForm({ as = 'text' }: Query): ValueForm {
  return readChoice('as', as, ['text', 'json'])
}

/**
 * A namespace as it is escaped in a path.
 *
 * @throws HttpError 400
 */
function unescapeNamespace(escaped: string): string {
  try {
    return decodeURIComponent(escaped)
  } catch {
    throw new HttpError(400, 'There can be no namespace of this name.')
  }
}
