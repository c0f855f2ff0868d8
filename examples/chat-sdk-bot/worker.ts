// worker.ts
import { StorageRuntime } from 'botshelf'
import { chatState } from 'botshelf/chat-sdk'
import { durableObject } from 'botshelf/durable-object'
import { Chat } from 'chat'
import { JsonAdapter } from './json-adapter.js'
export { StorageObject } from 'botshelf/storage-object' // the class that wrangler.toml binds

interface Env {
  STORAGE: string
  STORAGE_CONFIG: { binding: string }
  BOT_STORAGE: DurableObjectNamespace
}

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const runtime = await StorageRuntime.start(env, [durableObject])
    const state = chatState(await runtime.open('chat'), {
      // The lock and the queue of each thread are in an object of its own.
      openThreadStore: (threadId) => runtime.open(`thread ${threadId}`),
    })
    const bot = new Chat<{ json: JsonAdapter }, { count: number }>({
      userName: 'bot',
      adapters: { json: new JsonAdapter() },
      state,
      // Messages that arrive while a handler runs, also in other requests, are its next ones.
      concurrency: { strategy: 'queue', maxQueueSize: 100 },
    })
    bot.onNewMention(async (thread, _message, context) => {
      const { count } = (await thread.state) ?? { count: 0 }
      const received = count + 1 + (context?.skipped.length ?? 0)
      await thread.setState({ count: received })
      await thread.post(`${received} so far`)
    })
    const response = await bot.webhooks.json(request)
    ctx.waitUntil(runtime.close())
    return response
  },
}
