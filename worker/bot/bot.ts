import { isStoreError, type StorageRuntime, type StoreMixed } from 'botshelf'
import { Admin } from './admin.ts'
import { type Command, readCommand } from './call.ts'
import { Factoids } from './factoids.ts'
import { Help } from './help.ts'
import { Karma } from './karma.ts'
import type { BotMessage } from './message.ts'
import { nickKey } from './nick.ts'
import type { BotCommand, BotPlugin, PluginHost, StorageNote } from './plugin.ts'
import { PluginManager } from './plugin-manager.ts'
import { Seen } from './seen.ts'
import { Todo } from './todo.ts'

export interface BotOptions {
  /** The identities that are admins, such as `telegram:12345`. One of the web (`web:...`) never is. */
  readonly admins?: readonly string[]
  /** What `!storage` says of the storage beneath. */
  readonly storage: StorageNote
}

type Stored = Pick<StoreMixed<object>, 'openStorage'>

/**
 * A small bot in Errbot's image. What it remembers lives in a runtime's namespaces: `core` and one
 * for each plugin that stores something.
 */
export class Bot implements PluginHost {
  readonly runtime: StorageRuntime
  readonly storage: BotOptions['storage']
  readonly manager: PluginManager
  readonly #factoids: Factoids
  readonly #admins: ReadonlySet<string>

  /**
   * Makes the bot and opens its namespaces in `runtime`, which stays the caller's to close.
   *
   * @throws StoreError what the storage says
   */
  static async start(runtime: StorageRuntime, options: BotOptions): Promise<Bot> {
    const bot = new Bot(runtime, options)
    await bot.manager.openStorage(runtime, 'core')
    for (const plugin of bot.manager.all) {
      if ('openStorage' in plugin) {
        await (plugin as BotPlugin & Stored).openStorage(runtime, plugin.name)
      }
    }
    return bot
  }

  private constructor(runtime: StorageRuntime, { admins = [], storage }: BotOptions) {
    this.runtime = runtime
    this.storage = storage
    this.#admins = new Set(admins)
    this.#factoids = new Factoids(this)
    const seen = new Seen(this)
    const karma = new Karma(this, (word) => seen.has(nickKey(word)))
    // Seen listens before Karma, so that whoever speaks is known to it.
    this.manager = new PluginManager([
      this.#factoids,
      seen,
      karma,
      new Todo(this),
      new Help(this),
      new Admin(this),
    ])
  }

  /**
   * Takes in one thing that happened and answers it, if it asks for an answer. Nothing a person
   * can say makes it throw.
   *
   * @throws StoreError what the storage says
   */
  async handle(message: BotMessage): Promise<readonly string[]> {
    const call = readCommand(message)
    const active = await this.active()
    const replies: string[] = []
    for (const plugin of active) {
      replies.push(
        ...(await guard(
          () => plugin.hear(message, call),
          () => [],
        )),
      )
    }
    if (call !== undefined) {
      replies.push(...(await guard(() => this.#answer(call, active), refusal)))
    }
    return replies
  }

  async active(): Promise<readonly BotPlugin[]> {
    const banned = await this.manager.blacklist()
    return this.manager.all.filter(({ name }) => !banned.includes(name))
  }

  command(name: string): BotCommand | undefined {
    return this.#owner(name)?.commands.get(name)
  }

  isAdmin({ operator, identity }: BotMessage): boolean {
    return operator || (this.#admins.has(identity) && !identity.startsWith('web:'))
  }

  #owner(name: string): BotPlugin | undefined {
    return this.manager.all.find(({ commands }) => commands.has(name))
  }

  async #answer(call: Command, active: readonly BotPlugin[]): Promise<readonly string[]> {
    const owner = call.direct ? undefined : this.#owner(call.name)
    if (!active.includes(owner ?? this.#factoids)) return []
    const command = owner?.commands.get(call.name)
    if (command === undefined) return [await this.#factoids.recall(call)]
    if (command.admin && !this.isAdmin(call.message)) {
      return [`Only an admin may use !${call.name}.`]
    }
    const reply = await command.run(call)
    return typeof reply === 'string' ? [reply] : reply
  }
}

/** Runs what a person asked for. What cannot be stored is his affair; all else is thrown. */
async function guard<R>(run: () => Promise<R>, refuse: (code: string) => R): Promise<R> {
  try {
    return await run()
  } catch (error) {
    if (isStoreError(error) && REFUSED.has(error.code)) return refuse(error.code)
    throw error
  }
}

const REFUSED: ReadonlySet<string> = new Set(['INVALID_KEY', 'INVALID_VALUE', 'TOO_LARGE'])

function refusal(code: string): string[] {
  return code === 'INVALID_KEY'
    ? ['I cannot keep anything under that name: it is too long or holds half a character.']
    : ['I cannot keep that: it is too much.']
}
