import { StoreMixin } from 'botshelf'
import type { Command } from './call.ts'
import { type BotCommand, BotPlugin } from './plugin.ts'

interface TodoList {
  /** The number of the next item; a number is never used twice. */
  next: number
  items: { id: number; text: string }[]
}

const MOST = 100

/** A list of things to do for everyone, by identity. */
export class Todo extends StoreMixin<Record<string, TodoList>>()(BotPlugin) {
  readonly name = 'Todo'
  readonly doc = 'keeps a list of things to do for everyone'
  override readonly commands: ReadonlyMap<string, BotCommand> = new Map<string, BotCommand>([
    [
      'todo',
      {
        usage: '!todo | !todo add text | !todo done number',
        doc: 'your list',
        run: (call) => this.#run(call),
      },
    ],
  ])

  async #run({ rest, message }: Command): Promise<string | readonly string[]> {
    const [, verb = '', text = ''] = /^(\S*)\s*([^]*)$/.exec(rest) ?? []
    if (verb === '') return this.#list(message.identity)
    if (verb === 'add' && text !== '') return this.#add(message.identity, text)
    if (verb === 'done' && /^\d+$/.test(text)) return this.#done(message.identity, Number(text))
    return 'Say it like this: !todo, or !todo add text, or !todo done number'
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
        id = list.items.length < MOST ? list.next++ : 0
        if (id > 0) list.items.push({ id, text })
      },
      { next: 1, items: [] },
    )
    return id > 0 ? `Added as ${id}.` : `Your list has ${MOST} items; do one first.`
  }

  async #done(identity: string, id: number): Promise<string> {
    let done: string | undefined
    await this.update(identity, (list) => {
      done = list?.items.find((item) => item.id === id)?.text
      return list && { ...list, items: list.items.filter((item) => item.id !== id) }
    })
    return done === undefined ? `There is no ${id} on your list.` : `Done: ${done}`
  }
}
