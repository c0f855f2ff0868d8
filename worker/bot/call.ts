import type { BotMessage } from './message.ts'
import { lowerAscii } from './nick.ts'

/** What stands in a message that calls the bot. */
export interface Command {
  readonly message: BotMessage
  /** The first word, in lower case: a command or a factoid. */
  readonly name: string
  /** What follows the name, without the blanks around it. */
  readonly rest: string
  /** Whom the answer is for, where a nick follows a `|` or `>`. */
  readonly to: string | undefined
  /** How it was passed on: `|` in the room, `>` for that nick. */
  readonly mark: '|' | '>' | undefined
  /** Does the mark follow the name at once? Then a factoid is meant, whatever the name. */
  readonly direct: boolean
}

const LONGEST_NAME = 64

/**
 * Reads a call. The rule, which a line of `awk` can follow as well:
 *
 * 1. The text begins with `!`; blanks may stand around it.
 * 2. The name is what follows up to a blank, `|` or `>`, without any of `?!.,;:` at its end, in
 *    lower case. If it is empty, begins with ASCII punctuation or is longer than 64 characters,
 *    the message is no call: `!!`, `!=` and `!:)` are talk.
 * 3. After the first `|` or `>` comes the addressee: one word, without any of `,:;.!?` at its end.
 *    A channel (`#...`) is none. What follows him is talk.
 */
export function readCommand(message: BotMessage): Command | undefined {
  if (message.kind !== 'message') return undefined
  const found = /^!\s*([^\s|>]+)([^]*)$/.exec(message.text.trim())
  if (found === null) return undefined
  const name = commandName(found[1] as string)
  if (name === undefined) return undefined
  const tail = found[2] as string
  const passed = /([|>])\s*(\S*)/.exec(tail)
  const word = passed?.[2]?.replace(/[,:;.!?]+$/, '') ?? ''
  return {
    message,
    name,
    rest: tail.trim(),
    to: word === '' || word.startsWith('#') ? undefined : word,
    mark: passed?.[1] as '|' | '>' | undefined,
    direct: /^\s*[|>]/.test(tail),
  }
}

/** A word as the name of a command or factoid; `undefined` if it cannot be one. */
export function commandName(word: string): string | undefined {
  const name = lowerAscii(word.replace(/[?!.,;:]+$/, ''))
  if (name === '' || name.length > LONGEST_NAME) return undefined
  return /^[!-/:-@[-`{-~]/.test(name) || /[\s|>]/.test(name) ? undefined : name
}
