import type { StorageRuntime } from 'botshelf'
import { countEntries, formatEntry, readParts } from 'botshelf/backup'
import type { Command } from './command.ts'
import { EXCLUDED_FROM_BACKUP } from './excluded-from-backup.ts'
import { type BotCommand, BotPlugin, type PluginConfig } from './plugin.ts'

/** The longest backup that `!backup` prints in a conversation, in bytes of UTF-8. */
const MAX_BACKUP_BYTES = 64 * 1024

/** Gives admins commands for settings, the blacklist and the storage. */
export class Admin extends BotPlugin {
  readonly name = 'Admin'
  readonly doc = 'settings, blacklist and storage, for admins'
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    [
      'plugins',
      { usage: '!plugins', doc: 'list the plugins', admin: true, run: () => this.#plugins() },
    ],
    [
      'config',
      {
        usage: '!config Plugin [json]',
        doc: 'show or change settings',
        admin: true,
        run: (command) => this.#config(command),
      },
    ],
    [
      'blacklist',
      {
        usage: '!blacklist Plugin',
        doc: 'turn a plugin off',
        admin: true,
        run: (command) => this.#setBlacklisted(command, true),
      },
    ],
    [
      'unblacklist',
      {
        usage: '!unblacklist Plugin',
        doc: 'turn it on again',
        admin: true,
        run: (command) => this.#setBlacklisted(command, false),
      },
    ],
    [
      'storage',
      {
        usage: '!storage',
        doc: 'count the entries of each namespace',
        admin: true,
        run: () => this.#storage(),
      },
    ],
    [
      'backup',
      {
        usage: '!backup',
        doc: 'print every entry, one per line',
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

  async #config({ argument }: Command): Promise<string> {
    const { manager } = this.bot
    const [, name = '', json = ''] = /^(\S*)\s*([^]*)$/.exec(argument) ?? []
    const plugin = manager.find(name)
    if (plugin === undefined) return this.#usage('!config')
    if (json !== '') {
      const settings = parseSettings(json, plugin.defaults)
      if (typeof settings === 'string') return settings
      await manager.configure(plugin, settings)
    }
    return `${plugin.name}: ${JSON.stringify(await manager.config(plugin))}`
  }

  async #setBlacklisted({ argument }: Command, isBlacklisted: boolean): Promise<string> {
    const { manager } = this.bot
    const plugin = manager.find(argument)
    if (plugin === undefined) return this.#usage(isBlacklisted ? '!blacklist' : '!unblacklist')
    // With Admin off, no command could turn it on again.
    if (plugin === this) return 'Admin cannot be blacklisted.'
    await (isBlacklisted ? manager.ban(plugin) : manager.unban(plugin))
    return isBlacklisted
      ? `${plugin.name} is blacklisted.`
      : `${plugin.name} is no longer blacklisted.`
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

  #usage(command: string): string {
    const names = this.bot.manager.all.map(({ name }) => name).join(', ')
    return `Usage: ${command} ${this.bot.manager.all[0]?.name}. The plugins are: ${names}.`
  }
}

/** Parses new settings and checks them against the defaults. Returns a sentence if they are wrong. */
function parseSettings(json: string, defaults: PluginConfig): PluginConfig | string {
  let given: unknown
  try {
    given = JSON.parse(json)
  } catch {
    return `The settings are not valid JSON. Write them like this: ${JSON.stringify(defaults)}`
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return `The settings must be a JSON object. Write them like this: ${JSON.stringify(defaults)}`
  }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name)) {
      const known = Object.keys(defaults).join(', ') || 'none'
      return `There is no setting ${JSON.stringify(name)}. The settings are: ${known}.`
    }
    const kind = typeof defaults[name]
    if (typeof value !== kind || (kind === 'number' && !Number.isFinite(value))) {
      return `The setting "${name}" must be a ${kind}, such as ${JSON.stringify(defaults[name])}.`
    }
  }
  return given as PluginConfig
}

/** Resolves to one line per entry, in the format of a backup file, or to a sentence above 64 KiB. */
async function backupLines(runtime: StorageRuntime): Promise<readonly string[]> {
  const utf8 = new TextEncoder()
  const lines: string[] = []
  let bytes = 0
  const options = { excludedNamespaces: EXCLUDED_FROM_BACKUP }
  for await (const { entries } of readParts(runtime, options)) {
    for (const entry of entries) {
      const line = formatEntry(entry)
      lines.push(line)
      bytes += utf8.encode(line).length + 1
    }
    if (bytes > MAX_BACKUP_BYTES) {
      return [
        `The backup has more than ${MAX_BACKUP_BYTES} bytes, too many for a conversation: download it on the page, or with GET /admin/backup.`,
      ]
    }
  }
  return lines.length === 0 ? ['There is nothing to back up.'] : lines
}
