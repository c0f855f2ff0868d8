import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

function read(path: string): Promise<string> {
  return readFile(new URL(path, import.meta.url), 'utf8')
}

test.each([
  ['live.md', 'visit-list.ts'],
  ['live.md', 'use-store.ts'],
  ['live.md', 'live-ref.ts'],
  ['recipes.md', 'visit-list.ts'],
])('docs/%s shows %s, which the tests here run, in at most 15 lines', async (page, recipe) => {
  const code = await read(`recipes/${recipe}`)
  const shown = await read(`../../docs/${page}`)
  expect(shown).toContain(`\`\`\`ts\n// Browser only\n${code}\`\`\`\n`)
  const lines = code.split('\n').filter((line) => !/^\s*($|\/|import |type )/.test(line))
  expect(lines.length).toBeLessThanOrEqual(15)
})
