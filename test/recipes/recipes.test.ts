import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { readCodeBlocks } from '../package/support/code-blocks.ts'
import { testRecipes } from './support/test-recipes.ts'

const MAX_LINES = 15

const memory = new MemoryStoragePlugin()
testRecipes('Memory', () => memory)

test('docs/recipes.md shows each recipe that is tested, of at most 15 lines of code', async () => {
  const files = (await readdir(import.meta.dirname)).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  const shown = (await readCodeBlocks('docs/recipes.md')).map(({ code }) => code)
  for (const file of files) {
    const code = await readFile(join(import.meta.dirname, file), 'utf8')
    expect(shown, file).toContain(code)
    const lines = code.split('\n').filter((line) => !/^\s*($|\/\/|import |type )/.test(line))
    expect(lines.length, file).toBeLessThanOrEqual(MAX_LINES)
  }
  expect(shown.length).toBeGreaterThanOrEqual(files.length)
})
