import { backupLines } from './backup-lines.ts'
import { countEntries } from 'botshelf/backup'
import type { Command } from './call.ts'
import { type BotCommand, BotPlugin, type PluginConfig } from './plugin.ts'

/** What the operator does: settings, the blacklist, and a look into the storage. */
export class Admin extends BotPlugin {
  readonly name = 'Admin'
  readonly doc = 'settings, blacklist and storage, for admins'
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    [
      'plugins',
      { usage: '!plugins', doc: 'what there is', admin: true, run: () => this.#plugins() },
    ],
    [
      'config',
      {
        usage: '!config Plugin [json]',
        doc: 'show or change settings',
        admin: true,
        run: (call) => this.#config(call),
      },
    ],
    [
      'blacklist',
      {
        usage: '!blacklist Plugin',
        doc: 'silence a plugin',
        admin: true,
        run: (call) => this.#ban(call, true),
      },
    ],
    [
      'unblacklist',
      {
        usage: '!unblacklist Plugin',
        doc: 'let it speak again',
        admin: true,
        run: (call) => this.#ban(call, false),
      },
    ],
    [
      'storage',
      { usage: '!storage', doc: 'what is stored where', admin: true, run: () => this.#storage() },
    ],
    [
      'backup',
      {
        usage: '!backup',
        doc: 'everything, one line an entry',
        admin: true,
        run: () => backupLines(this.bot.runtime),
      },
    ],
  ])

  async #plugins(): Promise<readonly string[]> {
    const banned = await this.bot.manager.blacklist()
    return this.bot.manager.all.map(({ name, doc }) =>
      banned.includes(name) ? `${name} (blacklisted): ${doc}` : `${name}: ${doc}`,
    )
  }

  async #config({ rest }: Command): Promise<string> {
    const { manager } = this.bot
    const [, name = '', json = ''] = /^(\S*)\s*([^]*)$/.exec(rest) ?? []
    const plugin = manager.find(name)
    if (plugin === undefined) return this.#which('!config')
    if (json !== '') {
      const change = readSettings(json, plugin.defaults)
      if (typeof change === 'string') return change
      await manager.configure(plugin, change)
    }
    return `${plugin.name}: ${JSON.stringify(await manager.config(plugin))}`
  }

  async #ban({ rest }: Command, ban: boolean): Promise<string> {
    const { manager } = this.bot
    const plugin = manager.find(rest)
    if (plugin === undefined) return this.#which(ban ? '!blacklist' : '!unblacklist')
    // Who could take it back?
    if (plugin === this) return 'Admin cannot be blacklisted.'
    await (ban ? manager.ban(plugin) : manager.unban(plugin))
    return ban ? `${plugin.name} is blacklisted.` : `${plugin.name} speaks again.`
  }

  async #storage(): Promise<readonly string[]> {
    const { runtime, storage } = this.bot
    const lines = [`${storage.name} holds:`]
    for (const [namespace, size] of await countEntries(runtime)) {
      lines.push(`${namespace}: ${size} ${size === 1 ? 'entry' : 'entries'}`)
    }
    if (storage.note !== undefined) lines.push(storage.note)
    return lines
  }

  #which(command: string): string {
    const names = this.bot.manager.all.map(({ name }) => name).join(', ')
    return `Say it like this: ${command} ${this.bot.manager.all[0]?.name}. There are: ${names}.`
  }
}

/** Reads new settings and holds them against the old; a string is what is wrong with them. */
function readSettings(json: string, defaults: PluginConfig): PluginConfig | string {
  let given: unknown
  try {
    given = JSON.parse(json)
  } catch {
    return `That is not JSON. An example: ${JSON.stringify(defaults)}`
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return `Settings are an object, for example: ${JSON.stringify(defaults)}`
  }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name)) {
      const known = Object.keys(defaults).join(', ') || 'none'
      return `There is no setting ${JSON.stringify(name)}. There are: ${known}.`
    }
    const kind = typeof defaults[name]
    if (typeof value !== kind || (kind === 'number' && !Number.isFinite(value))) {
      return `The setting "${name}" is a ${typeof defaults[name]}, for example ${JSON.stringify(defaults[name])}.`
    }
  }
  return given as PluginConfig
}
