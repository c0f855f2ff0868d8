import { isStoreError, type StorageRuntime, type StoreMixed } from 'botshelf'
import { Admin } from './admin.ts'
import { type Command, parseCommand } from './command.ts'
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
  /** The identities of admins, such as `telegram:12345`. An identity `web:...` is never an admin. */
  readonly admins?: readonly string[]
  /** The name of the storage and a note on it, for `!storage`. */
  readonly storage: StorageNote
}

type WithStorage = Pick<StoreMixed<object>, 'openStorage'>

/**
 * A small bot modelled on Errbot. It stores its data in namespaces of a runtime: `core`, and one per
 * plugin that stores something.
 */
export class Bot implements PluginHost {
  readonly runtime: StorageRuntime
  readonly storage: BotOptions['storage']
  readonly manager: PluginManager
  readonly #factoids: Factoids
  readonly #admins: ReadonlySet<string>

  /**
   * Creates the bot and opens its namespaces in `runtime`. The caller closes the runtime.
   *
   * @throws StoreError any code that opening a namespace can have
   */
  static async start(runtime: StorageRuntime, options: BotOptions): Promise<Bot> {
    const bot = new Bot(runtime, options)
    await bot.manager.openStorage(runtime, 'core')
    for (const plugin of bot.manager.all) {
      if ('openStorage' in plugin) {
        await (plugin as BotPlugin & WithStorage).openStorage(runtime, plugin.name)
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
    // Seen comes before Karma, so that Karma can look up the sender of the message.
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
   * Passes a message to every active plugin and resolves to their replies. No text of a user makes it
   * throw.
   *
   * @throws StoreError if the storage fails
   */
  async handle(message: BotMessage): Promise<readonly string[]> {
    const command = parseCommand(message)
    const active = await this.activePlugins()
    const replies: string[] = []
    for (const plugin of active) {
      replies.push(
        ...(await guard(
          () => plugin.onMessage(message, command),
          () => [],
        )),
      )
    }
    if (command !== undefined) {
      replies.push(...(await guard(() => this.#runCommand(command, active), explainRefusal)))
    }
    return replies
  }

  async activePlugins(): Promise<readonly BotPlugin[]> {
    const banned = await this.manager.blacklist()
    return this.manager.all.filter(({ name }) => !banned.includes(name))
  }

  findCommand(name: string): BotCommand | undefined {
    return this.#owner(name)?.commands.get(name)
  }

  isAdmin({ hasAdminToken, identity }: BotMessage): boolean {
    return hasAdminToken || (this.#admins.has(identity) && !identity.startsWith('web:'))
  }

  #owner(name: string): BotPlugin | undefined {
    return this.manager.all.find(({ commands }) => commands.has(name))
  }

  async #runCommand(command: Command, active: readonly BotPlugin[]): Promise<readonly string[]> {
    const owner = command.isFactoid ? undefined : this.#owner(command.name)
    if (!active.includes(owner ?? this.#factoids)) return []
    const found = owner?.commands.get(command.name)
    if (found === undefined) return [await this.#factoids.recall(command)]
    if (found.admin && !this.isAdmin(command.message)) {
      return [`Only an admin may use !${command.name}.`]
    }
    const reply = await found.run(command)
    return typeof reply === 'string' ? [reply] : reply
  }
}

/** Runs a plugin. A key or value that the user chose and the store refuses is not an error of the bot. */
async function guard<R>(run: () => Promise<R>, onRefused: (code: string) => R): Promise<R> {
  try {
    return await run()
  } catch (error) {
    if (isStoreError(error) && USER_ERRORS.has(error.code)) return onRefused(error.code)
    throw error
  }
}

const USER_ERRORS: ReadonlySet<string> = new Set(['INVALID_KEY', 'INVALID_VALUE', 'TOO_LARGE'])

function explainRefusal(code: string): string[] {
  return code === 'INVALID_KEY'
    ? [
        'I cannot store that name: it is too long or contains a broken character. Choose another one.',
      ]
    : ['I cannot store that: it is too large.']
}
