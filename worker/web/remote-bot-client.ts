import { type AdminAccess, AdminError, callBot, remoteTarget } from 'botshelf/admin'
import type { BackupTarget, StoredValue } from 'botshelf/backup'
import type { RemoteBot } from '../bot/find-bot.ts'
import type { LogEvent } from '../bot/irc-log.ts'
import { sendEvents } from '../bot/replay-events.ts'
import type { RemoteBackendName } from './backend-picker.ts'
import { type BotClient, ROOM, type SyncOptions } from './bot-client.ts'
import { Poller } from './poller.ts'
import type { StorageMirror } from './storage-mirror.ts'

// KV bills every listing, and shows changes late anyway.
const POLL_INTERVAL_MS: Readonly<Record<RemoteBackendName, number>> = {
  DurableObject: 3_000,
  CloudflareKV: 15_000,
}
const RESPONSE_TIMEOUT_MS = 30_000
// Without input for so long, polling pauses.
const IDLE_TIMEOUT_MS = 5 * 60_000

const TOKEN_MISSING =
  'Only the bot’s operator can see this data. If you are the operator, open the address that npm start prints, or add #token= and your ADMIN_TOKEN to this address.'
const TOKEN_WRONG =
  'The token in this address is not the ADMIN_TOKEN of the running bot. Open the address that the bot printed when it started.'
const NO_OPERATOR =
  'Only the bot’s operator can see this data, and this bot has none. To enable operator access, set ADMIN_TOKEN.'
const CHAT_DISABLED = 'This bot has web chat turned off. To chat, choose “This tab”.'
const CHECK_CONNECTION = 'Check that it is running and that you are online, then try again.'

/** Accesses the bot in the Worker that serves the page, on one of its storages. */
export class RemoteBotClient implements BotClient {
  readonly backend: RemoteBackendName
  readonly storage: string
  readonly #bot: RemoteBot
  readonly #onTokenRejected: () => void
  #rejectedToken: string | undefined
  #poller: Poller | undefined

  /**
   * @param bot the bot's description of itself
   * @param onTokenRejected called when the bot rejects the token in the page's address
   */
  constructor(backend: RemoteBackendName, bot: RemoteBot, onTokenRejected: () => void) {
    this.backend = backend
    this.storage = backend
    this.#bot = bot
    this.#onTokenRejected = onTokenRejected
  }

  async send(nick: string, text: string): Promise<readonly string[]> {
    const body = { room: ROOM, user: nick, text, storage: this.storage }
    try {
      const response = await callBot(botAccess(), 'api/messages', {
        body,
        timeoutMs: RESPONSE_TIMEOUT_MS,
      })
      const { replies } = response as { replies?: unknown }
      if (Array.isArray(replies)) return replies.map(String)
      throw new AdminError(
        'The bot’s answer has no replies. Reload the page to get the version that fits the bot.',
        { status: 200 },
      )
    } catch (error) {
      throw error instanceof AdminError ? explainSendError(error) : error
    }
  }

  chatDisabledReason(): string | undefined {
    return this.#bot.chat === false ? CHAT_DISABLED : undefined
  }

  dataHiddenReason(): string | undefined {
    if (!this.#bot.admin) return NO_OPERATOR
    const token = operatorToken()
    if (token === undefined) return TOKEN_MISSING
    return token === this.#rejectedToken ? TOKEN_WRONG : undefined
  }

  async syncTo(mirror: StorageMirror, { signal, onError }: SyncOptions): Promise<void> {
    const token = operatorToken()
    const target = this.#target()
    let lastInput = Date.now()
    const onInput = (): void => void (lastInput = Date.now())
    for (const type of ['pointerdown', 'keydown']) addEventListener(type, onInput, { signal })
    const update = async (): Promise<void> => {
      if (Date.now() - lastInput > IDLE_TIMEOUT_MS) return
      try {
        const namespaces = await target.namespaces()
        const found = new Map<string, ReadonlyMap<string, string>>()
        // Sequentially, so that a bot with many namespaces is not flooded with requests.
        for (const namespace of namespaces) {
          if (signal.aborted) return
          found.set(namespace, toTexts(await target.entries(namespace)))
        }
        if (signal.aborted) return
        mirror.retain(namespaces)
        for (const [namespace, entries] of found) mirror.replace(namespace, entries)
        onError(undefined)
      } catch (error) {
        if (!signal.aborted && error instanceof AdminError && error.status === 401) {
          this.#rejectedToken = token
          this.#onTokenRejected()
        } else {
          onError(error)
        }
      }
    }
    this.#poller = new Poller(update, POLL_INTERVAL_MS[this.backend], signal)
    await this.#poller.runNow()
  }

  refresh(): void {
    void this.#poller?.runNow()
  }

  async backupTarget(): Promise<BackupTarget> {
    return this.#target()
  }

  async replay(
    events: readonly LogEvent[],
    room: string,
    onEvents: (count: number) => void,
  ): Promise<void> {
    await sendEvents(botAccess(), this.storage, events, room, (count) => {
      onEvents(count)
      this.refresh()
    })
  }

  #target(): BackupTarget {
    return remoteTarget({ ...botAccess(), storage: this.storage })
  }
}

/** Returns the address of the bot that serves the page: the page's folder. */
export function botUrl(): string {
  return new URL('.', location.href).href
}

/** Returns the token after the `#` of the address. Browsers do not send that part to servers. */
function operatorToken(): string | undefined {
  return new URLSearchParams(location.hash.slice(1)).get('token') || undefined
}

function botAccess(): AdminAccess {
  return { url: botUrl(), token: operatorToken() }
}

function toTexts(entries: ReadonlyMap<string, StoredValue>): ReadonlyMap<string, string> {
  return new Map([...entries].map(([key, { value }]) => [key, value]))
}

/** Adds what the user can do to the errors of a message that was not handled. */
function explainSendError(error: AdminError): AdminError {
  const { message, status, retryable } = error
  const details = { status, retryable, cause: error }
  if (status === undefined) return new AdminError(`${message} ${CHECK_CONNECTION}`, details)
  if (status === 401) return new AdminError(TOKEN_WRONG, details)
  // The route exists only while web chat is on.
  if (status === 404) return new AdminError(CHAT_DISABLED, details)
  return error
}
