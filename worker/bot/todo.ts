import { StoreMixin } from 'botshelf'
import type { Command } from './command.ts'
import { type BotCommand, BotPlugin } from './plugin.ts'

interface TodoList {
  /** The number of the next item. Numbers are not reused. */
  next: number
  items: { id: number; text: string }[]
}

const MAX_ITEMS = 100

/** Keeps a to-do list per user, under the user's identity. */
export class Todo extends StoreMixin<Record<string, TodoList>>()(BotPlugin) {
  readonly name = 'Todo'
  readonly doc = 'keeps a to-do list for each user'
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    [
      'todo',
      {
        usage: '!todo | !todo add text | !todo done number',
        doc: 'your list',
        run: (command) => this.#run(command),
      },
    ],
  ])

  async #run({ argument, message }: Command): Promise<string | readonly string[]> {
    const [, verb = '', text = ''] = /^(\S*)\s*([^]*)$/.exec(argument) ?? []
    if (verb === '') return this.#list(message.identity)
    if (verb === 'add' && text !== '') return this.#add(message.identity, text)
    if (verb === 'done' && /^\d+$/.test(text)) return this.#done(message.identity, Number(text))
    return 'Usage: !todo, or !todo add text, or !todo done number'
  }

  async #list(identity: string): Promise<string | readonly string[]> {
    const list = await this.get(identity)
    if (list === undefined || list.items.length === 0) return 'Your list is empty.'
    return list.items.map(({ id, text }) => `${id}. ${text}`)
  }

  async #add(identity: string, text: string): Promise<string> {
    let id = 0
    await this.mutable(
      identity,
      (list) => {
        id = list.items.length < MAX_ITEMS ? list.next++ : 0
        if (id > 0) list.items.push({ id, text })
      },
      { next: 1, items: [] },
    )
    return id > 0
      ? `Added as ${id}.`
      : `Your list is full: it has ${MAX_ITEMS} items. Finish one first with: !todo done number`
  }

  async #done(identity: string, id: number): Promise<string> {
    let done: string | undefined
    await this.update(identity, (list) => {
      done = list?.items.find((item) => item.id === id)?.text
      return list && { ...list, items: list.items.filter((item) => item.id !== id) }
    })
    return done === undefined ? `Your list has no item ${id}.` : `Done: ${done}`
  }
}
