import type { Factoid } from './factoids.ts'
import type { Sighting } from './seen.ts'

/** What the bot knows of a channel. */
export interface Knowledge {
  readonly factoids: ReadonlyMap<string, Factoid>
  readonly seen: ReadonlyMap<string, Sighting>
}

/**
 * Knowledge as sorted lines of fields with tabs between, to be held against a count made by other
 * means: `asked`, name, how often; and `seen`, nick, messages, time, kind, text. Times are
 * `YYYY-MM-DDTHH:MM`, in UTC.
 */
export function knowledgeLines({ factoids, seen }: Knowledge): string[] {
  const lines: string[] = []
  for (const [name, { asked }] of factoids) if (asked > 0) lines.push(`asked\t${name}\t${asked}`)
  for (const [nick, { messages, at, kind, text }] of seen) {
    const time = new Date(at).toISOString().slice(0, 16)
    lines.push(`seen\t${nick}\t${messages}\t${time}\t${kind}\t${text}`)
  }
  // By code unit: the order of LC_ALL=C sort for ASCII.
  return lines.toSorted((a, b) => (a < b ? -1 : Number(a > b)))
}
