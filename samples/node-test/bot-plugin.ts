/** What every plugin of this bot is. */
export class BotPlugin {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}
