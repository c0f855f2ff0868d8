import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DefaultTheme } from 'vitepress'

const DOCS = fileURLToPath(new URL('..', import.meta.url))

type Item = DefaultTheme.SidebarItem

/** The pages of the site, in the order in which a reader needs them. */
export function sidebar(): Item[] {
  return [
    group('Start', [
      page('Start', 'start'),
      page('In a Worker', 'workers'),
      page('In a browser', 'browser'),
      page('In a user interface', 'live'),
    ]),
    group('Choosing a backend', [
      page('Choosing a backend', 'choosing'),
      page('Backends', 'backends'),
    ]),
    group('Store', [
      page('The store', 'store'),
      page('Recipes', 'recipes'),
      page('Guarantees', 'guarantees'),
      page('Limits', 'backends#limits'),
      page('Errors', 'errors'),
    ]),
    group('Bridges', [page('All bridges', 'bridges'), ...pagesIn('bridges')], true),
    group('Testing', [page('Testing', 'testing')]),
    group('Operating', [
      page('The command line', 'cli'),
      page('Backups and admin API', 'backups'),
      page('The bot', 'the-bot'),
      page('Operating the bot', 'operating'),
    ]),
    group('Extending', [
      page('Writing an adapter', 'writing-an-adapter'),
      page('From Errbot', 'from-errbot'),
    ]),
    group('Design and decisions', [
      page('Design', 'design'),
      page('Glossary', 'glossary'),
      { text: 'Decisions', link: '/decisions/', collapsed: true, items: pagesIn('decisions') },
      page('Releasing', 'releasing'),
    ]),
    group(
      'API reference',
      [page('All sub-paths', 'reference/index'), ...pagesIn('reference')],
      true,
    ),
    group('Evidence', [
      page('Performance', 'performance'),
      page('Benchmark', 'benchmark'),
      page('Security', 'security'),
      page('How it is tested', 'verification'),
      page('Trust report', 'trust'),
    ]),
  ]
}

function group(text: string, items: readonly Item[], collapsed = false): Item {
  // Pages that another part of the project has yet to write are left out.
  return { text, collapsed, items: items.filter(({ link = '' }) => exists(link)) }
}

function page(text: string, path: string): Item {
  return { text, link: `/${path.replace(/index$/, '')}` }
}

function exists(link: string): boolean {
  const [path = ''] = link.split('#')
  const file = path.replace(/^\//, '')
  return ['.md', 'index.md', 'README.md'].some((ending) => existsSync(`${DOCS}${file}${ending}`))
}

/** The pages of a folder, by the heading of each. */
function pagesIn(folder: string): Item[] {
  return globSync(`${folder}/**/*.md`, { cwd: DOCS })
    .filter((path) => !/(?:README|index)\.md$/.test(path))
    .toSorted()
    .map((path) => {
      const [, heading = path] = /^# (.+)$/m.exec(readFileSync(`${DOCS}${path}`, 'utf8')) ?? []
      return page(heading.replaceAll('`', ''), path.replace(/\.md$/, ''))
    })
}
