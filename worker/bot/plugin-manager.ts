import { StoreMixin } from 'botshelf'
import type { BotPlugin, PluginConfig } from './plugin.ts'

interface Core {
  /** The settings that differ from the defaults, by plugin. */
  configs: Record<string, PluginConfig>
  /** The names of the plugins that are off. */
  bl_plugins: readonly string[]
}

class PluginList {
  readonly all: readonly BotPlugin[]

  constructor(all: readonly BotPlugin[]) {
    this.all = all
  }

  /** Finds a plugin by name, ignoring case. */
  find(name: string): BotPlugin | undefined {
    return this.all.find((plugin) => plugin.name.toLowerCase() === name.toLowerCase())
  }
}

/** Stores settings and the blacklist in the namespace `core`, as Errbot's plugin manager does. */
export class PluginManager extends StoreMixin<Core>()(PluginList) {
  async blacklist(): Promise<readonly string[]> {
    return (await this.get('bl_plugins')) ?? []
  }

  async ban(plugin: BotPlugin): Promise<void> {
    await this.update('bl_plugins', (names = []) => [...new Set([...names, plugin.name])])
  }

  async unban(plugin: BotPlugin): Promise<void> {
    await this.update('bl_plugins', (names = []) => names.filter((name) => name !== plugin.name))
  }

  /** Resolves to a plugin's current settings. */
  async config(plugin: BotPlugin): Promise<PluginConfig> {
    return { ...plugin.defaults, ...(await this.get('configs'))?.[plugin.name] }
  }

  /** Changes some settings of a plugin and keeps the others. The caller has validated them. */
  async configure(plugin: BotPlugin, settings: PluginConfig): Promise<void> {
    await this.mutable(
      'configs',
      (configs) => {
        configs[plugin.name] = { ...configs[plugin.name], ...settings }
      },
      {},
    )
  }
}
