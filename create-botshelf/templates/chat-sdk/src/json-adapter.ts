// A platform that needs no account: a request is a message, and its response is what the bot posts.
// Replace it by an adapter of Chat SDK, such as @chat-adapter/slack.
import {
  type Adapter,
  type AdapterPostableMessage,
  type ChatInstance,
  type FormattedContent,
  Message,
  parseMarkdown,
  type RawMessage,
  stringifyMarkdown,
  type ThreadInfo,
} from 'chat'

interface Received {
  id: string
  thread: string
  text: string
}

export class JsonAdapter implements Adapter<string, Received> {
  readonly name = 'json'
  readonly userName = 'bot'
  readonly #posts: string[] = []
  #chat: ChatInstance | undefined

  async initialize(chat: ChatInstance): Promise<void> {
    this.#chat = chat
  }

  async handleWebhook(request: Request): Promise<Response> {
    const message = this.parseMessage(await request.json<Received>())
    await this.#chat?.processMessage(this, message.threadId, message)
    return Response.json(this.#posts)
  }

  parseMessage(raw: Received): Message<Received> {
    return new Message({
      id: raw.id,
      threadId: this.encodeThreadId(raw.thread),
      text: raw.text,
      formatted: parseMarkdown(raw.text),
      raw,
      author: { userId: 'ann', userName: 'ann', fullName: 'Ann', isBot: false, isMe: false },
      metadata: { dateSent: new Date(), edited: false },
      attachments: [],
      isMention: true,
    })
  }

  async postMessage(
    threadId: string,
    message: AdapterPostableMessage,
  ): Promise<RawMessage<Received>> {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    this.#posts.push(text)
    const id = crypto.randomUUID()
    return { id, threadId, raw: { id, thread: this.decodeThreadId(threadId), text } }
  }

  encodeThreadId(thread: string): string {
    return `json:${thread}`
  }

  decodeThreadId(threadId: string): string {
    return threadId.slice('json:'.length)
  }

  channelIdFromThreadId(threadId: string): string {
    return threadId
  }

  renderFormatted(content: FormattedContent): string {
    return stringifyMarkdown(content)
  }

  async fetchThread(id: string): Promise<ThreadInfo> {
    return { id, channelId: id, metadata: {} }
  }

  async fetchMessages(): Promise<{ messages: Message<Received>[] }> {
    return { messages: [] }
  }

  async editMessage(): Promise<never> {
    throw new Error('This platform cannot edit messages.')
  }

  async deleteMessage(): Promise<void> {}
  async addReaction(): Promise<void> {}
  async removeReaction(): Promise<void> {}
  async startTyping(): Promise<void> {}
}
