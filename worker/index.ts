import type { Env } from './env.js'
import { failure } from './http/failure.js'
import { HttpError, json } from './http/reply.js'
import { notFound, operatorOnly } from './http/token.js'
import { findRoute } from './routes.js'

export { StorageObject } from '../adapters/storage-object.js'

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const route = findRoute(new URL(request.url))
    try {
      if (route === undefined) throw notFound()
      if (route.operator) await operatorOnly(request, env.ADMIN_TOKEN)
      if (request.method !== route.method) {
        throw new HttpError(405, `Only ${route.method} is answered here.`, { allow: route.method })
      }
      return json(await route.run(request, env, ctx))
    } catch (error) {
      return failure(error, route?.written)
    }
  },
} satisfies ExportedHandler<Env>
