import { afterAll, beforeAll, beforeEach, vi } from 'vitest'
import { StorageRuntime, type StoreError } from '../../../../src/index.ts'
import { BOT_TOKEN, FakeBotApi } from '../../../../scripts/bot-api.ts'
import type { TelegramStore } from '../../../../worker/telegram/claim.ts'
import { parseUpdate } from '../../../../worker/telegram/update.ts'
import { handleUpdate } from '../../../../worker/telegram.ts'
import { textUpdate } from './deliver.ts'
import { FaultyStoragePlugin } from './faulty.ts'

/** The key of a test's update: the id of the bot, then the id of the update. */
export const KEY = 'update:7130201:5'

/** The Telegram transport in this process, on a storage that can fail, with a fake Bot API server. */
export interface Taking {
  api: FakeBotApi
  plugin: FaultyStoragePlugin
  runtime: StorageRuntime
  store: TelegramStore
  /** The errors that were logged, in order. */
  logged: string[]
  /** Handles a text from a private chat, always as the update with the key `KEY`. */
  take(text: string, chat: number, more?: Record<string, unknown>): Promise<void>
  /** The same for the direct messages of a channel. */
  takeDirect(text: string, chat: number, topic: number): Promise<void>
  /** Makes one write in each of these namespaces fail, in this order. */
  failing(...faults: readonly [namespace: string, error: StoreError][]): void
}

/** Creates a new storage for each test of a file, and one server for all of them. */
export function taking(): Taking {
  const take = (body: Record<string, unknown>, more: object = {}): Promise<void> => {
    const env = { TELEGRAM_BOT_TOKEN: BOT_TOKEN, STORAGE: 'Memory' }
    const all = { ...env, TELEGRAM_API_ROOT: on.api.url, ...more }
    return handleUpdate(parseUpdate(body), all, on.runtime)
  }
  const on = {
    take: (text: string, chat: number, more: Record<string, unknown> = {}) =>
      take(textUpdate(5, text, { chat: { id: chat } }), more),
    takeDirect: (text: string, chat: number, topic: number) =>
      take(
        textUpdate(5, text, {
          chat: { id: chat, type: 'supergroup', is_direct_messages: true },
          direct_messages_topic: { topic_id: topic },
        }),
      ),
    failing(...faults: readonly [namespace: string, error: StoreError][]) {
      const left = [...faults]
      on.plugin.fault = (name) => (name === left[0]?.[0] ? left.shift()?.[1] : undefined)
    },
  } as Taking
  beforeAll(async () => {
    on.api = await FakeBotApi.start()
  })
  afterAll(() => on.api.close())
  beforeEach(async () => {
    on.plugin = new FaultyStoragePlugin()
    on.runtime = new StorageRuntime(on.plugin)
    on.store = await on.runtime.open('Telegram')
    on.logged = []
    const log = (...words: unknown[]): void => void on.logged.push(words.join(' '))
    vi.spyOn(console, 'error').mockImplementation(log)
    return () => void vi.restoreAllMocks()
  })
  return on
}
