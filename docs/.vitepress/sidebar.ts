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
      page('Choosing a backend', 'choosing'),
      page('In a Worker', 'workers'),
      page('In a browser', 'browser'),
      page('In a user interface', 'live'),
    ]),
    group('Use it', [
      page('The store', 'store'),
      page('Recipes', 'recipes'),
      page('Guarantees', 'guarantees'),
      page('Backends', 'backends'),
      page('Limits', 'backends#limits'),
      page('Errors', 'errors'),
      folder('Bridges', 'bridges'),
      page('Testing', 'testing'),
    ]),
    group('Operate it', [
      page('The command line', 'cli'),
      page('Backups and admin API', 'backups'),
      page('The bot', 'the-bot'),
      page('Operating the bot', 'operating'),
    ]),
    group('Extend it', [
      page('Writing an adapter', 'writing-an-adapter'),
      page('From Errbot', 'from-errbot'),
    ]),
    group('How it works', [
      page('Design', 'design'),
      page('Glossary', 'glossary'),
      folder('Decisions', 'decisions', 'decisions/'),
      page('Releasing', 'releasing'),
    ]),
    group('Reference', [
      folder('API', 'reference', 'reference/'),
      page('Performance', 'performance'),
      page('Benchmark', 'benchmark'),
      page('Security', 'security'),
      page('How it is tested', 'verification'),
      page('Trust report', 'trust'),
    ]),
  ]
}

function group(text: string, items: readonly Item[]): Item {
  return { text, items: items.filter(({ link = '' }) => exists(link)) }
}

function page(text: string, path: string): Item {
  return { text, link: `/${path}` }
}

/** A page about the pages of a folder, which are shown when one of them is open. */
function folder(text: string, path: string, link = path): Item {
  return { ...page(text, link), collapsed: true, items: pagesIn(path) }
}

function exists(link: string): boolean {
  const [path = ''] = link.split('#')
  const file = path.replace(/^\//, '')
  return ['.md', 'index.md', 'README.md'].some((ending) => existsSync(`${DOCS}${file}${ending}`))
}

/** The pages of a folder, by the heading of each. */
function pagesIn(path: string): Item[] {
  return globSync(`${path}/**/*.md`, { cwd: DOCS })
    .filter((file) => !/(?:README|index)\.md$/.test(file))
    .toSorted()
    .map((file) => {
      const [, heading = file] = /^# (.+)$/m.exec(readFileSync(`${DOCS}${file}`, 'utf8')) ?? []
      return page(heading.replaceAll('`', ''), file.replace(/\.md$/, ''))
    })
}
