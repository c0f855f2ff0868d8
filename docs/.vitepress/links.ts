import { posix } from 'node:path'
import type { MarkdownRenderer } from 'vitepress'

const EXTERNAL = /^(?:[a-z]+:|\/\/|#)/

/** Pages of the site that show a file outside `docs/`, or a generated form of one in it. */
const SHOWN_AS: Readonly<Record<string, string>> = {
  'README.md': 'start.md',
  'bench/RESULTS.md': 'benchmark.md',
  'docs/README.md': 'index.md',
  'docs/api.md': 'reference/index.md',
}

/**
 * Returns where a link of a page leads on the site. Links to files that the site does not have lead
 * to the repository.
 *
 * @param page the path of the page in `docs/`
 */
export function resolveLink(href: string, page: string, repository: string): string {
  if (EXTERNAL.test(href)) return href
  const [path = '', anchor] = href.split('#')
  const target = posix.join('docs', posix.dirname(page), path)
  const hash = anchor === undefined ? '' : `#${anchor}`
  const shown = SHOWN_AS[target]
  if (shown !== undefined) return `/${shown}${hash}`
  if (target.startsWith('docs/')) return href
  // GitHub redirects the address of a file to that of a folder where it is one.
  return `${repository}/blob/main/${target}${hash}`
}

/** A plugin of markdown-it that resolves the links of each page. */
export function resolveLinks(md: MarkdownRenderer, repository: string): void {
  md.core.ruler.push('resolve-links', ({ tokens, env }) => {
    const { relativePath } = env as { relativePath: string }
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null
      if (href !== null) token.attrSet('href', resolveLink(href, relativePath, repository))
    }
  })
}

/** Returns the anchor that GitHub gives to a heading, so that a link works there and on the site. */
export function slugify(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')
}
