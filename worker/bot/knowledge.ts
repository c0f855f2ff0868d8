import { byCodeUnit } from 'botshelf/backup'
import type { Factoid } from './factoids.ts'
import type { Sighting } from './seen.ts'

/** The data that the bot collected in a channel. */
export interface Knowledge {
  readonly factoids: ReadonlyMap<string, Factoid>
  readonly seen: ReadonlyMap<string, Sighting>
}

/**
 * Formats knowledge as sorted lines of tab-separated fields, for comparison with an independent
 * count: `asked`, name, count; and `seen`, nick, messages, time, kind, text. Times are
 * `YYYY-MM-DDTHH:MM`, in UTC.
 */
export function formatKnowledge({ factoids, seen }: Knowledge): string[] {
  const lines: string[] = []
  for (const [name, { asked }] of factoids) if (asked > 0) lines.push(`asked\t${name}\t${asked}`)
  for (const [nick, { messages, at, kind, text }] of seen) {
    const time = new Date(at).toISOString().slice(0, 16)
    lines.push(`seen\t${nick}\t${messages}\t${time}\t${kind}\t${text}`)
  }
  // Sorts by code unit, which equals LC_ALL=C sort for ASCII.
  return lines.toSorted(byCodeUnit)
}
