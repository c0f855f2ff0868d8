import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { VERSION } from '../../src/version.ts'

test('VERSION is the version in package.json', async () => {
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  expect((JSON.parse(manifest) as { readonly version: string }).version).toBe(VERSION)
})
