import type { StorageRuntime } from 'botshelf'
import { chatState } from 'botshelf/chat-sdk'
import { Chat } from 'chat'
import { JsonAdapter } from './json-adapter.ts'

/** What the bot remembers of a thread. */
interface ThreadState {
  count: number
}

/** Creates the bot of one request. */
export async function createBot(
  runtime: StorageRuntime,
): Promise<Chat<{ json: JsonAdapter }, ThreadState>> {
  const bot = new Chat<{ json: JsonAdapter }, ThreadState>({
    userName: 'bot',
    adapters: { json: new JsonAdapter() },
    state: chatState(await runtime.open('chat'), {
      // The lock and the queue of each thread are in an object of its own.
      openThreadStore: (threadId) => runtime.open(`thread ${threadId}`),
    }),
    // Messages that arrive while a handler runs, also in other requests, are its next ones.
    concurrency: { strategy: 'queue', maxQueueSize: 100 },
  })
  bot.onNewMention(async (thread, _message, context) => {
    const { count } = (await thread.state) ?? { count: 0 }
    const received = count + 1 + (context?.skipped.length ?? 0)
    await thread.setState({ count: received })
    await thread.post(`Message ${received}`)
  })
  return bot
}
