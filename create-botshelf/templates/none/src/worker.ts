import { type Karma, reply } from './karma.ts'
import { handleAdmin, startRuntime, type StorageEnv } from './storage.ts'
export { StorageObject } from 'botshelf/storage-object' // the class that wrangler.toml binds

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const adminResponse = await handleAdmin(request, env, ctx)
    if (adminResponse !== undefined) return adminResponse
    if (request.method !== 'POST') return new Response('Send a message by POST.\n')

    const runtime = await startRuntime(env)
    const karma = await runtime.open<Karma>('Karma')
    const text = await reply(karma, await request.text())
    ctx.waitUntil(runtime.close())
    return new Response(`${text}\n`)
  },
} satisfies ExportedHandler<StorageEnv>
