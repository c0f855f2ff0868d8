import type { StorageRuntime } from '../src/index.js'
import { runtimePlace } from './bot/backup/runtime-place.js'
import type { Env } from './env.js'
import { hasToken, isOperator } from './http/token.js'
import { readEntries, unescapeNamespace } from './inspect.js'
import { answer, readMessage } from './messages.js'
import { readReplay, replay } from './replay.js'
import { readRestore, restore } from './restore.js'
import { chooseStorage, offeredStorages, startRuntime } from './storages.js'

/** One thing that the Worker does. */
export interface Route {
  readonly method: 'GET' | 'POST'
  /** Is it for the operator alone? */
  readonly operator?: true
  /** What it stores, in the words of a sentence. */
  readonly written?: string
  /** Does it; resolves to what is answered as JSON. */
  run(request: Request, env: Env, ctx: ExecutionContext): Promise<unknown>
}

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    '/api/messages',
    {
      method: 'POST',
      written: 'what was said',
      run: async (request, env, ctx) => {
        const operator = await isOperator(request, env.ADMIN_TOKEN)
        const message = await readMessage(request)
        const chosen = chooseStorage(env, message.storage)
        return withRuntime(chosen, ctx, async (runtime) => ({
          replies: await answer(message, chosen, runtime, operator),
        }))
      },
    },
  ],
  [
    '/api/storages',
    {
      method: 'GET',
      run: async (_request, env) => ({
        storages: offeredStorages(env),
        admin: hasToken(env.ADMIN_TOKEN),
      }),
    },
  ],
  [
    '/api/replay',
    {
      method: 'POST',
      operator: true,
      written: 'what was said',
      run: async (request, env, ctx) => {
        const part = await readReplay(request)
        const chosen = chooseStorage(env, part.storage)
        return withRuntime(chosen, ctx, async (runtime) => ({
          replayed: await replay(part, chosen, runtime),
        }))
      },
    },
  ],
  [
    '/admin/namespaces',
    {
      method: 'GET',
      operator: true,
      run: (request, env, ctx) =>
        withRuntime(chooseNamed(request, env), ctx, async (runtime) => ({
          namespaces: await runtimePlace(runtime).namespaces(),
        })),
    },
  ],
  [
    '/admin/restore',
    {
      method: 'POST',
      operator: true,
      written: 'what was to be restored',
      run: async (request, env, ctx) => {
        const chosen = chooseNamed(request, env)
        const changes = await readRestore(request)
        return withRuntime(chosen, ctx, async (runtime) => ({
          applied: await restore(changes, runtime),
        }))
      },
    },
  ],
])

/** What the Worker does at an address; `undefined` if there is nothing. */
export function findRoute({ pathname, searchParams }: URL): Route | undefined {
  // `/admin/storage/:namespace`, and `/admin/storage?namespace=` for those that no path can hold.
  const [, escaped] = /^\/admin\/storage\/([^/]+)$/.exec(pathname) ?? []
  if (escaped !== undefined) return inspection(() => unescapeNamespace(escaped))
  const named = searchParams.get('namespace')
  if (pathname === '/admin/storage' && named !== null) return inspection(() => named)
  return ROUTES.get(pathname)
}

function inspection(namespace: () => string): Route {
  return {
    method: 'GET',
    operator: true,
    run: (request, env, ctx) =>
      withRuntime(chooseNamed(request, env), ctx, async (runtime) => ({
        entries: await readEntries(namespace(), runtime),
      })),
  }
}

/** The configuration with the storage that the address names. */
function chooseNamed(request: Request, env: Env): Env {
  return chooseStorage(env, new URL(request.url).searchParams.get('storage') ?? undefined)
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
