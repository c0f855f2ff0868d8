import { posix } from 'node:path'
import type { MarkdownRenderer } from 'vitepress'

interface SiteOptions {
  /** The address of the repository. */
  readonly repository: string
  /** The path of the site on its host, with a slash at both ends. */
  readonly base: string
}

const PLAYGROUND = '/playground/'
const EXTERNAL = /^(?:[a-z]+:|\/\/|#)/

/** The pages of the site that show a file in another form. */
const SHOWN_AS: Readonly<Record<string, string>> = {
  'README.md': 'start.md',
  'bench/RESULTS.md': 'benchmark.md',
  'docs/README.md': 'index.md',
  'docs/decisions/README.md': 'decisions/index.md',
  'docs/api.md': 'reference/index.md',
  'worker/web/index.html': 'playground/',
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
export function resolveLinks(md: MarkdownRenderer, { repository, base }: SiteOptions): void {
  md.core.ruler.push('resolve-links', ({ tokens, env }) => {
    const { relativePath } = env as { relativePath: string }
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null
      if (href === null) continue
      const link = resolveLink(href, relativePath, repository)
      token.attrSet('href', link)
      if (link !== PLAYGROUND) continue
      // The playground is no page of VitePress: its router must not load it.
      token.attrSet('href', `${base}${link.slice(1)}`)
      token.attrSet('target', '_self')
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
