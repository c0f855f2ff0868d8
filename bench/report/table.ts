/** The columns that hold text; all others are aligned to the right. */
const TEXT_COLUMNS = new Set(['candidate', 'workload', 'goal', 'result', 'verdict', 'calls'])

/** Returns a table as Markdown. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const alignment = head.map((name) => (TEXT_COLUMNS.has(name) ? '---' : '---:'))
  return [head, alignment, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
