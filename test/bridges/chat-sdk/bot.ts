import { Chat, type ChatConfig, type StateAdapter } from 'chat'
import { type Delivery, TestAdapter } from './test-adapter.ts'

type Adapters = { test: TestAdapter }

/** A bot as one instance of a deployment runs it, such as one isolate of a Worker. */
export interface Bot<TState = Record<string, unknown>> {
  readonly chat: Chat<Adapters, TState>
  readonly platform: TestAdapter
}

export async function startBot<TState = Record<string, unknown>>(
  state: StateAdapter,
  config: Partial<ChatConfig<Adapters>> = {},
): Promise<Bot<TState>> {
  const platform = new TestAdapter({ persistThreadHistory: config.threadHistory !== undefined })
  const adapters = { test: platform }
  // The log would repeat the errors that the tests expect.
  const silent = { userName: 'bot', logger: 'silent' } as const
  const chat = new Chat<Adapters, TState>({ ...silent, ...config, adapters, state })
  await chat.initialize()
  return { chat, platform }
}

/** Delivers a message as the platform does. Resolves when the handlers have run. */
export async function deliver<TState>({ chat }: Bot<TState>, delivery: Delivery): Promise<void> {
  const body = JSON.stringify(delivery)
  await chat.webhooks.test(new Request('https://bot.example/test', { method: 'POST', body }))
}

/** A promise with its `resolve`. */
export interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

export function createGate(): Gate {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  return { opened, open }
}
