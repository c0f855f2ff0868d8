import type { BotMessage } from './message.ts'
import { lowerAscii } from './nick.ts'

/** A message that asks the bot for something: `!name argument`. */
export interface Command {
  readonly message: BotMessage
  /** The first word, in lower case: the name of a command or a factoid. */
  readonly name: string
  /** The text after the name, trimmed. */
  readonly argument: string
  /** The nick after `|` or `>` that the answer is for. */
  readonly addressee: string | undefined
  /** `|` answers the addressee in the room; `>` also names the sender. */
  readonly separator: '|' | '>' | undefined
  /** Whether the separator directly follows the name. Then the name is a factoid, not a command. */
  readonly isFactoid: boolean
}

const MAX_NAME_LENGTH = 64

/**
 * Parses a command; returns `undefined` for any other message. The rules, which `count.awk` in the
 * tests implements too:
 *
 * 1. The text begins with `!`, with optional spaces around it.
 * 2. The name ends at a space, `|` or `>`. Any of `?!.,;:` at its end is dropped; it is lower-cased. A
 *    name that is empty, begins with ASCII punctuation or has more than 64 characters is not a
 *    command: `!!`, `!=` and `!:)` are ordinary text.
 * 3. The word after the first `|` or `>` is the addressee, without any of `,:;.!?` at its end. A
 *    channel (`#...`) is not an addressee. The text after the addressee is ignored.
 */
export function parseCommand(message: BotMessage): Command | undefined {
  if (message.kind !== 'message') return undefined
  const found = /^!\s*([^\s|>]+)([^]*)$/.exec(message.text.trim())
  if (found === null) return undefined
  const name = parseName(found[1] as string)
  if (name === undefined) return undefined
  const tail = found[2] as string
  const addressed = /([|>])\s*(\S*)/.exec(tail)
  const word = addressed?.[2]?.replace(/[,:;.!?]+$/, '') ?? ''
  return {
    message,
    name,
    argument: tail.trim(),
    addressee: word === '' || word.startsWith('#') ? undefined : word,
    separator: addressed?.[1] as '|' | '>' | undefined,
    isFactoid: /^\s*[|>]/.test(tail),
  }
}

/** Returns the name of a command or factoid that a word spells; `undefined` if it cannot be one. */
export function parseName(word: string): string | undefined {
  const name = lowerAscii(word.replace(/[?!.,;:]+$/, ''))
  if (name === '' || name.length > MAX_NAME_LENGTH) return undefined
  return /^[!-/:-@[-`{-~]/.test(name) || /[\s|>]/.test(name) ? undefined : name
}
