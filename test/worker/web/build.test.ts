import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { OLDEST_BROWSERS } from '../../../scripts/browsers.ts'
import { LOG_EXCERPT } from '../../../worker/bot/excerpt.ts'

function readProjectFile(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
}

test('the page is built for the browsers that README lists', () => {
  const [, ...oldest] =
    /Chrome and Edge (\S+), Firefox (\S+), Safari ([\d.]+\d),/.exec(readProjectFile('README.md')) ??
    []
  const names = ['chrome', 'firefox', 'safari']
  expect(OLDEST_BROWSERS).toEqual(oldest.map((version, index) => `${names[index]}${version}`))
  expect(readProjectFile('scripts/build-page.ts')).toContain('target: OLDEST_BROWSERS,')
})

test('the page credits the authors of its log', () => {
  const html = readProjectFile('worker/web/index.html')
  expect(html.replace(/\s+/g, ' ')).toContain(LOG_EXCERPT.credit)
})
