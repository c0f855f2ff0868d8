import type { MarkdownRenderer } from 'vitepress'

/** A plugin of markdown-it: the empty corner of a table is no header, which would have no name. */
export function markEmptyHeaders(md: MarkdownRenderer): void {
  md.core.ruler.push('empty-headers', ({ tokens }) => {
    for (const [index, { type }] of tokens.entries()) {
      const [open, text, close] = tokens.slice(index, index + 3)
      if (type !== 'th_open' || text?.content !== '') continue
      if (open !== undefined) open.tag = 'td'
      if (close !== undefined) close.tag = 'td'
    }
  })
}
