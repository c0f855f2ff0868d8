// worker.ts
import { StorageRuntime } from 'botshelf'
import { durableObject } from 'botshelf/durable-object'
import { Karma } from './karma.js'
export { StorageObject } from 'botshelf/storage-object'

export default {
  async fetch(request: Request, env: object, ctx: ExecutionContext): Promise<Response> {
    const runtime = await StorageRuntime.start(env, [durableObject])
    const karma = new Karma()
    await karma.openStorage(runtime, 'Karma')
    const nick = new URL(request.url).pathname.slice(1)
    const count = await karma.praise(nick)
    ctx.waitUntil(runtime.close())
    return new Response(`${nick}: ${count}\n`)
  },
}
