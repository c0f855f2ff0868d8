import type { StorageRuntime } from 'botshelf'
import type { Env } from './env.ts'
import { startRuntime } from './storages.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH'

/** What one method does. */
export interface Action {
  /** What it stores, in the words of a sentence. */
  readonly written?: string
  /** Does it; resolves to what is answered as JSON. */
  run(request: Request, env: Env, ctx: ExecutionContext): Promise<unknown>
}

/** An address of the Worker. */
export interface Route {
  readonly methods: Readonly<Partial<Record<Method, Action>>>
  /** Is it for the operator alone? */
  readonly operator?: true
  /** Is it configured? Without this it always is. */
  readonly exists?: (env: Env) => boolean
}

/** A runtime for one request, closed after the reply. */
export async function withRuntime<R>(
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
