import type { Env } from './env.ts'
import {
  errorResponse,
  hasToken,
  HttpError,
  jsonResponse,
  notFound,
  operatorOnly,
} from 'botshelf/admin'
import { withinLimit } from './http/limit.ts'
import type { Action, Route } from './route.ts'
import { findRoute } from './routes.ts'

export { StorageObject } from 'botshelf/storage-object'

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const route = findRoute(new URL(request.url))
    let action: Action | undefined
    try {
      if (route === undefined || route.exists?.(env) === false) throw notFound()
      if (route.operator) {
        if (hasToken(env.ADMIN_TOKEN)) await withinLimit(env.ADMIN_LIMIT, 'admin', request)
        await operatorOnly(request, env.ADMIN_TOKEN)
      }
      action = findAction(request, route)
      return jsonResponse(await action.run(request, env, ctx))
    } catch (error) {
      return errorResponse(error, action?.written, route?.operator)
    }
  },
} satisfies ExportedHandler<Env>

/** @throws HttpError 405 */
function findAction({ method }: Request, { methods }: Route): Action {
  const found = Object.entries(methods).find(([name]) => name === method)
  if (found !== undefined) return found[1]
  const names = Object.keys(methods)
  const [last, others] = [names.at(-1), names.slice(0, -1).join(', ')]
  const sentence =
    others === ''
      ? `Only ${last} is answered here.`
      : `Only ${others} and ${last} are answered here.`
  throw new HttpError(405, sentence, { allow: names.join(', ') })
}
