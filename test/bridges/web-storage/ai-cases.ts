import {
  ChatClient,
  type ChatClientPersistence,
  type ChatPersistedState,
  stream,
} from '@tanstack/ai-client'
import { expect, test, vi } from 'vitest'
import { webStorage } from '../../../bridges/web-storage.ts'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'

type Chunks = ReturnType<Parameters<typeof stream>[0]>
type Chunk = Chunks extends AsyncIterable<infer C> ? C : never

/** A model that answers each message with "pong". */
async function* answer(): AsyncGenerator<Chunk> {
  const [runId, messageId] = [crypto.randomUUID(), crypto.randomUUID()]
  const chunks: unknown[] = [
    { type: 'RUN_STARTED', runId, threadId: 'thread' },
    { type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' },
    { type: 'TEXT_MESSAGE_CONTENT', messageId, delta: 'pong' },
    { type: 'TEXT_MESSAGE_END', messageId },
    { type: 'RUN_FINISHED', runId, threadId: 'thread' },
  ]
  yield* chunks as Chunk[]
}

function createChat(persistence: ChatClientPersistence, threadId = 'thread'): ChatClient {
  return new ChatClient({ connection: stream(answer), threadId, persistence })
}

function textsOf(chat: ChatClient): unknown[] {
  return chat
    .getMessages()
    .map(({ role, parts }) => [role, parts.map((part) => 'content' in part && part.content)])
}

export function testAI(backend: BridgeBackend): void {
  describeBridge('web-storage', backend, ({ open, openAll }) => {
    test('TanStack AI: a second client restores the conversation with its dates', async () => {
      const [a, b] = await openAll<ChatPersistedState>(2)
      const chat = createChat(webStorage(a!))
      await chat.sendMessage('ping')
      // An answer is stored in parts.
      await vi.waitFor(async () =>
        expect((await b!.get('thread'))?.messages).toEqual(chat.getMessages()),
      )
      const restored = createChat(webStorage(b!))
      await vi.waitFor(() => expect(restored.getMessages()).toHaveLength(2))
      expect(textsOf(restored)).toEqual([
        ['user', ['ping']],
        ['assistant', ['pong']],
      ])
      expect(restored.getMessages()[0]!.createdAt).toEqual(chat.getMessages()[0]!.createdAt)
      expect(restored.getMessages()[0]!.createdAt).toBeInstanceOf(Date)
    })

    test('TanStack AI: clear() removes the conversation', async () => {
      const store = await open<ChatPersistedState>()
      const chat = createChat(webStorage(store))
      await chat.sendMessage('ping')
      await vi.waitFor(async () => expect(await store.size()).toBe(1))
      chat.clear()
      await vi.waitFor(async () => expect(await store.size()).toBe(0))
    })

    test('TanStack AI: 20 conversations by 10 clients are all kept', async () => {
      const stores = await openAll<ChatPersistedState>(10)
      const sends = Array.from({ length: 20 }, async (_, index) =>
        createChat(webStorage(stores[index % 10]!), `thread-${index}`).sendMessage('ping'),
      )
      await Promise.all(sends)
      await vi.waitFor(async () => {
        const entries = await webStorage(stores[0]!).entries()
        expect(entries.map(([, { messages }]) => messages.length)).toEqual(
          Array.from({ length: 20 }, () => 2),
        )
      })
    })

    test('TanStack AI: a chat goes on without an error when its storage fails', async () => {
      const store = await open<ChatPersistedState>()
      await store.close()
      const chat = createChat(webStorage(store))
      await chat.sendMessage('ping')
      expect(textsOf(chat)).toEqual([
        ['user', ['ping']],
        ['assistant', ['pong']],
      ])
      expect(chat.getError()).toBeUndefined()
    })
  })
}
