import {
  type Adapter,
  type ChatInstance,
  Message,
  parseMarkdown,
  type RawMessage,
  stringifyMarkdown,
  type ThreadInfo,
} from 'chat'

/** What a webhook delivers. */
export interface Delivery {
  readonly id: string
  readonly text: string
  /** Default: `test:channel:thread` */
  readonly threadId?: string
  /** What the platform's SDK may leave in `message.raw`. */
  readonly raw?: unknown
}

export const THREAD_ID = 'test:channel:thread'
export const SENT_AT = new Date('2026-11-28T12:00:00.000Z')

/** A platform whose webhooks a test calls. */
export class TestAdapter implements Adapter<string> {
  readonly name = 'test'
  readonly userName = 'bot'
  readonly persistThreadHistory: boolean
  #chat: ChatInstance | undefined

  /** @param persistThreadHistory whether Chat keeps the messages, since the platform does not */
  constructor({ persistThreadHistory = false }: { persistThreadHistory?: boolean } = {}) {
    this.persistThreadHistory = persistThreadHistory
  }

  async initialize(chat: ChatInstance): Promise<void> {
    this.#chat = chat
  }

  /** Delivers a message and waits for its handlers. Rejects with what they throw. */
  async deliver(delivery: Delivery): Promise<void> {
    const { threadId = THREAD_ID } = delivery
    await this.#chat!.processMessage(this, threadId, this.parseMessage(delivery))
  }

  parseMessage(raw: unknown): Message {
    const delivery = raw as Delivery
    return new Message({
      id: delivery.id,
      threadId: delivery.threadId ?? THREAD_ID,
      text: delivery.text,
      formatted: parseMarkdown(delivery.text),
      raw: delivery.raw ?? delivery,
      author: { userId: 'ann', userName: 'ann', fullName: 'Ann', isBot: false, isMe: false },
      metadata: { dateSent: SENT_AT, edited: false },
      attachments: [],
      isMention: true,
    })
  }

  async handleWebhook(request: Request): Promise<Response> {
    await this.deliver((await request.json()) as Delivery)
    return new Response('ok')
  }

  async postMessage(threadId: string): Promise<RawMessage> {
    return { id: crypto.randomUUID(), threadId, raw: null }
  }

  channelIdFromThreadId(threadId: string): string {
    return threadId.split(':').slice(0, 2).join(':')
  }

  decodeThreadId(threadId: string): string {
    return threadId
  }

  encodeThreadId(threadId: string): string {
    return threadId
  }

  renderFormatted(content: Parameters<typeof stringifyMarkdown>[0]): string {
    return stringifyMarkdown(content)
  }

  async fetchThread(id: string): Promise<ThreadInfo> {
    return { id, channelId: this.channelIdFromThreadId(id), metadata: {} }
  }

  async fetchMessages(): Promise<{ messages: Message[] }> {
    return { messages: [] }
  }

  async editMessage(threadId: string, id: string): Promise<RawMessage> {
    return { id, threadId, raw: null }
  }

  async deleteMessage(): Promise<void> {}
  async addReaction(): Promise<void> {}
  async removeReaction(): Promise<void> {}
  async startTyping(): Promise<void> {}
}
