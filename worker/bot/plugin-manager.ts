import { StoreMixin } from 'botshelf'
import type { BotPlugin, PluginConfig } from './plugin.ts'

interface Core {
  /** The settings that were changed, by plugin. */
  configs: Record<string, PluginConfig>
  /** The plugins that neither answer nor listen. */
  bl_plugins: readonly string[]
}

class Plugins {
  readonly all: readonly BotPlugin[]

  constructor(all: readonly BotPlugin[]) {
    this.all = all
  }

  /** A plugin by its name, in any case of letters. */
  find(name: string): BotPlugin | undefined {
    return this.all.find((plugin) => plugin.name.toLowerCase() === name.toLowerCase())
  }
}

/** Keeps what Errbot's plugin manager keeps, in the namespace `core`: settings and the blacklist. */
export class PluginManager extends StoreMixin<Core>()(Plugins) {
  async blacklist(): Promise<readonly string[]> {
    return (await this.get('bl_plugins')) ?? []
  }

  async ban(plugin: BotPlugin): Promise<void> {
    await this.update('bl_plugins', (names = []) => [...new Set([...names, plugin.name])])
  }

  async unban(plugin: BotPlugin): Promise<void> {
    await this.update('bl_plugins', (names = []) => names.filter((name) => name !== plugin.name))
  }

  /** A plugin's settings as they are now. */
  async config(plugin: BotPlugin): Promise<PluginConfig> {
    return { ...plugin.defaults, ...(await this.get('configs'))?.[plugin.name] }
  }

  /** Changes some of a plugin's settings and leaves the others. What is given must have been checked. */
  async configure(plugin: BotPlugin, change: PluginConfig): Promise<void> {
    await this.mutable(
      'configs',
      (configs) => {
        configs[plugin.name] = { ...configs[plugin.name], ...change }
      },
      {},
    )
  }
}
