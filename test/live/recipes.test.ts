import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

function read(path: string): Promise<string> {
  return readFile(new URL(path, import.meta.url), 'utf8')
}

test.each(['visit-list.ts', 'live-ref.ts'])(
  'docs/live.md shows %s, which the tests here run',
  async (recipe) => {
    const code = await read(`recipes/${recipe}`)
    expect(await read('../../docs/live.md')).toContain(`\`\`\`ts\n// Browser only\n${code}\`\`\`\n`)
  },
)
