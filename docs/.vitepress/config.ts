import { readFileSync } from 'node:fs'
import process from 'node:process'
import { defineConfig } from 'vitepress'
import llmsText from 'vitepress-plugin-llms'
import { markEmptyHeaders } from './empty-headers.ts'
import { resolveLinks, slugify } from './links.ts'
import { sidebar } from './sidebar.ts'

const manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { readonly description: string; readonly repository: { readonly url: string } }
const repository = manifest.repository.url.replace(/^git\+|\.git$/g, '')
const base = process.env['DOCS_BASE'] ?? '/'

const SEARCH = 'Search (Ctrl K)'
const WIDE = ['benchmark.md', 'security.md', 'trust.md']

export default defineConfig({
  title: 'botshelf',
  description: manifest.description,
  lang: 'en',
  base,
  outDir: '../dist/site',
  // README.md is the list of pages for readers of the repository; index.md is the home page.
  srcExclude: ['README.md', 'api.md'],
  rewrites: { 'decisions/README.md': 'decisions/index.md' },
  head: [['link', { rel: 'icon', href: `${base}icon.svg`, type: 'image/svg+xml' }]],
  markdown: {
    anchor: { slugify },
    // The comments of the default themes have too little contrast.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-default' },
    config: (md) => {
      resolveLinks(md, { repository, base })
      markEmptyHeaders(md)
    },
  },
  transformPageData({ relativePath, frontmatter }) {
    // Pages with tables of many columns use the width of the outline too.
    if (WIDE.includes(relativePath)) Object.assign(frontmatter, { aside: false, pageClass: 'wide' })
    if (relativePath.startsWith('reference/')) Object.assign(frontmatter, { editLink: false })
  },
  themeConfig: {
    logo: '/icon.svg',
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Store', link: '/store' },
      { text: 'API', link: '/reference/' },
      // The playground is a page of its own, without the router of VitePress.
      { text: 'Playground', link: '/playground/', target: '_self' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search: {
      provider: 'local',
      // The keys are part of the text: beside it, they would not be in the name of the button.
      options: { translations: { button: { buttonText: SEARCH, buttonAriaLabel: SEARCH } } },
    },
    notFound: {
      title: 'Page not found',
      quote: 'The address may be of another version. The search finds pages by their words.',
      linkText: 'Home page',
    },
    socialLinks: [{ icon: 'github', link: repository }],
    editLink: { pattern: `${repository}/edit/main/docs/:path` },
  },
  vite: {
    // Images of `bench/` are outside of this folder.
    server: { fs: { allow: ['../..'] } },
    // Its types are those of another version of Vite.
    plugins: [llmsText() as never],
  },
})
