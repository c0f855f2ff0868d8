import type { Store } from 'botshelf'

/** How often each person was praised. */
export type Karma = Record<string, number>

/** Replies to a message. The message `ann++` praises ann. */
export async function reply(karma: Store<Karma>, text: string): Promise<string> {
  const name = /^(\w+)\+\+$/.exec(text.trim())?.[1]
  if (name === undefined) return 'To praise a person, write a name and ++, such as ann++'
  return `${name}: ${await karma.increment(name)}` // atomic: concurrent messages all count
}
