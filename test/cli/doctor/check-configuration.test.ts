import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse as parseToml } from 'smol-toml'
import { beforeAll, expect, test } from 'vitest'
import type { Check } from '../../../cli/doctor/check.ts'
import { cli, type CliResult } from '../support/run-cli.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** A configuration without a mistake. */
const GOOD = `name = "my-bot"
main = "worker.ts"
compatibility_date = "2026-10-01"

[vars]
STORAGE = "DurableObject"
STORAGE_CONFIG = { binding = "BOT_STORAGE" }

[[durable_objects.bindings]]
name = "BOT_STORAGE"
class_name = "StorageObject"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["StorageObject"]

[[kv_namespaces]]
binding = "BOT_KV"
id = "0123456789abcdef0123456789abcdef"
`
const GOOD_MAIN = `import { StorageRuntime } from 'botshelf'
export { StorageObject } from 'botshelf/storage-object'
export default { fetch: (_request, env) => StorageRuntime.start(env, []) }
`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'botshelf-doctor-'))
})

interface Files {
  readonly toml?: string
  readonly main?: string
  /** The name of the configuration; JSON is made of `toml`. */
  readonly name?: string
}

/** Runs the command on a configuration; the checks are those that are not `ok`. */
async function diagnose(
  { toml = GOOD, main = GOOD_MAIN, name = 'wrangler.toml' }: Files,
  args: readonly string[] = [],
): Promise<CliResult & { readonly found: readonly Check[] }> {
  const file = join(folder, name)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(join(dirname(file), 'worker.ts'), main)
  const isToml = name.endsWith('.toml')
  await writeFile(file, isToml ? toml : `// A comment\n${JSON.stringify(parseToml(toml))}`)
  const result = await cli(['doctor', '--config', file, '--json', ...args], { env: {} })
  const { checks = [] } = JSON.parse(result.stdout || '{}') as { readonly checks?: Check[] }
  return { ...result, found: checks.filter(({ level }) => level !== 'ok') }
}

test.each(['wrangler.toml', 'wrangler.jsonc', 'wrangler.json'])(
  'a %s without a mistake has exit code 0',
  async (name) => {
    expect(await diagnose({ name })).toMatchObject({ exitCode: 0, stderr: '', found: [] })
  },
)

// Each mistake: the text to replace in the good configuration, and its replacement.
test.each<[mistake: string, from: string | RegExp, to: string, level: string, message: string]>([
  ['no date', /^compat.*$/m, '', 'problem', 'compatibility_date is missing.'],
  [
    'a date that is no string',
    '"2026-10-01"',
    '2026-10-01',
    'problem',
    'must be a date as a string.',
  ],
  ['a date before RPC', '2026-10-01', '2024-04-02', 'problem', 'before 2024-04-03 a Worker cannot'],
  ['a date in the future', '2026-10-01', '2999-01-01', 'problem', 'a date in the future'],
  ['no STORAGE', /^STORAGE = .*$/m, '', 'problem', 'STORAGE is missing in [vars].'],
  [
    'a typo in STORAGE',
    '"DurableObject"',
    '"DurableObjects"',
    'problem',
    'Did you mean "DurableObj',
  ],
  ['a backend of its own', '"DurableObject"', '"Qqq"', 'warning', 'STORAGE must be one of'],
  ['Memory', '"DurableObject"\nSTORAGE_CONFIG = {', '"Memory"\nX = {', 'warning', 'may lose its'],
  [
    'IndexedDB',
    '"DurableObject"\nSTORAGE_CONFIG = {',
    '"IndexedDB"\nX = {',
    'problem',
    'in a page',
  ],
  ['no STORAGE_CONFIG', /^STORAGE_CONFIG.*$/m, '', 'problem', 'STORAGE_CONFIG.binding must be set'],
  ['no binding', /\[\[durable_objects[^[]*/, '', 'problem', 'STORAGE_CONFIG.binding must name the'],
  [
    'another binding',
    'name = "BOT_STORAGE"',
    'name = "BOT"',
    'problem',
    'must be one of "BOT"; rec',
  ],
  [
    'the wrong kind',
    '"DurableObject"',
    '"CloudflareKV"',
    'problem',
    'must be one of "BOT_KV"; rec',
  ],
  [
    'an unknown option',
    'binding = "BOT_STORAGE" }',
    'bindin = "A" }',
    'problem',
    'bindin is not an',
  ],
  ['a name that is a table', /^name = "BOT_STORAGE"$/m, 'name = {}', 'problem', 'must name the'],
  ['no class_name', /^class_name.*$/m, '', 'problem', 'The binding BOT_STORAGE has no class_name'],
  ['no migration', /\[\[migrations[^[]*/, '', 'problem', 'No migration lists the class StorageObj'],
  ['new_classes', 'new_sqlite_classes', 'new_classes', 'problem', 'is listed under new_classes'],
  ['a class that is no name', '"StorageObject"', '"(("', 'problem', 'has no class_name'],
  [
    'another class',
    'class_name = "StorageObject"',
    'class_name = "A"',
    'problem',
    'no export of A',
  ],
  ['a token in vars', '[vars]', '[vars]\nADMIN_TOKEN = "x"', 'problem', 'ADMIN_TOKEN is in vars'],
  ['a key in vars', '[vars]', '[vars]\nMY_API_KEY = "x"', 'warning', 'MY_API_KEY is in vars'],
  [
    'a placeholder',
    /id = .*$/m,
    'id = "<its id>"',
    'warning',
    'KV namespace BOT_KV is a placehold',
  ],
  ['no main file', 'worker.ts', 'none.ts', 'warning', 'The main file was not read'],
])('%s is found', async (_mistake, from, to, level, message) => {
  const toml = GOOD.replace(from, to)
  expect(toml).not.toBe(GOOD)
  const { found, exitCode } = await diagnose({ toml })
  const check = found.find((each) => each.message.includes(message))
  expect(check, JSON.stringify(found)).toMatchObject({ level })
  expect(exitCode).toBe(found.some((each) => each.level === 'problem') ? 8 : 0)
})

test.each([
  ['STORAGE = "DurableObject"\n', 'STORAGE is missing', 'is outside vars'],
  ['compatibility_date = "2026-10-01"\n', 'compatibility_date is missing', 'is under vars'],
])('%j in the wrong table is found there', async (line, message, advice) => {
  const [before = '', after = ''] = GOOD.split('[vars]\n')
  const isBefore = before.includes(line)
  const toml = isBefore
    ? `${before.replace(line, '')}[vars]\n${line}${after}`
    : `${before}${line}[vars]\n${after.replace(line, '')}`
  const { found } = await diagnose({ toml })
  expect(found.map((each) => each.message).join()).toContain(message)
  expect(found.map((each) => each.advice).join()).toContain(advice)
})

test('the placeholder of the KV namespace that STORAGE uses is a problem', async () => {
  const vars = 'STORAGE = "CloudflareKV"\nSTORAGE_CONFIG = { binding = "BOT_KV" }'
  const toml = GOOD.replace(/STORAGE = [^[]*/, `${vars}\n`).replace(
    /id = .*/,
    `id = "${'0'.repeat(32)}"`,
  )
  expect((await diagnose({ toml })).found).toMatchObject([
    { level: 'problem', lines: 'npx wrangler kv namespace create BOT_KV' },
  ])
})

test.each([
  ['problem', `// export { StorageObject } from 'botshelf/storage-object'\n`],
  ['problem', `import { StorageObject } from 'botshelf/storage-object'\n`],
  ['problem', `export { StorageObject as Other } from 'botshelf/storage-object'\n`],
  ['warning', `export * from './objects.ts'\n`],
  [undefined, `export class StorageObject extends Base {}\n`],
  [undefined, `export {\n  Other,\n  MyObject as StorageObject,\n}\n`],
])('as the export of the class, a %s is %j', async (level, main) => {
  const { found } = await diagnose({ main })
  expect(found.map((each) => each.level)).toEqual(level === undefined ? [] : [level])
})

test('a class is followed through the migrations', async () => {
  const migrations = `[[migrations]]
tag = "v1"
new_sqlite_classes = ["Old", "Gone"]
[[migrations]]
tag = "v2"
renamed_classes = [{ from = "Old", to = "StorageObject" }]
deleted_classes = ["Gone"]
`
  const toml = GOOD.replace(/\[\[migrations[^[]*/, migrations)
  expect((await diagnose({ toml })).found).toEqual([])
  const gone = toml.replace('deleted_classes = ["Gone"]', 'deleted_classes = ["StorageObject"]')
  expect((await diagnose({ toml: gone })).found).toMatchObject([
    { level: 'problem', lines: expect.stringContaining('tag = "v3"') as string },
  ])
})

test('the lines to add make a configuration without a mistake, as TOML and as JSON', async () => {
  const toml = GOOD.replace(/\[\[migrations[^[]*/, '').replace(/\[\[durable_objects[^[]*/, '')
  const lines = async (name: string): Promise<string> => {
    const { found } = await diagnose({ toml, name })
    return found.find(({ message }) => message.includes('must name the binding'))?.lines ?? ''
  }
  const base = toml.replace(/^STORAGE_CONFIG.*$/m, '').replace(/\[vars\][^[]*/, '')
  const added = (await lines('wrangler.toml')).replace(
    '[vars]',
    '[vars]\nSTORAGE = "DurableObject"',
  )
  expect(await diagnose({ toml: base + added })).toMatchObject({ found: [], exitCode: 0 })
  const json = JSON.parse(`{${await lines('wrangler.json')}}`) as object
  expect(json).toEqual(parseToml(await lines('wrangler.toml')))
})

test('an environment does not inherit vars and bindings, and its lines have its name', async () => {
  const toml = `${GOOD}\n[env.staging]\nname = "staging"\n`
  const { found } = await diagnose({ toml }, ['--env', 'staging'])
  expect(found).toMatchObject([
    {
      level: 'problem',
      message: 'STORAGE is missing in [env.staging.vars].',
      lines: expect.stringContaining('[env.staging.vars]\nSTORAGE = ') as string,
    },
  ])
  expect(await diagnose({ toml }, ['--env', 'stagin'])).toMatchObject({
    exitCode: 6,
    stderr: expect.stringContaining('has no environment "stagin". It has: staging.') as string,
  })
})

test.each([
  ['wrangler.toml', 'name = "a"\nmain = \n', /line 2, column \d+: Invalid TOML/],
  ['wrangler.jsonc', '{\n  "name": }', /line 2, column 11: ValueExpected/],
  ['wrangler.json', '[]', /must be an object/],
])('a %s that cannot be parsed is refused with its place', async (name, text, message) => {
  const file = join(folder, name)
  await writeFile(file, text)
  const { exitCode, stderr } = await cli(['doctor', '--config', file], { env: {} })
  expect(exitCode).toBe(3)
  expect(stderr).toMatch(message)
})

test('the configuration is found in the working directory, and each check is one line', async () => {
  await diagnose({ name: 'here/wrangler.toml' })
  const main = join(ROOT, 'cli/main.ts')
  const args = ['--conditions=botshelf-source', main, 'doctor']
  const options = { cwd: join(folder, 'here'), env: {} }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  expect(stdout.trimEnd().split('\n')).toEqual([
    'ok       compatibility_date is 2026-10-01.',
    'ok       STORAGE and STORAGE_CONFIG are valid: "DurableObject".',
    'ok       The class StorageObject is listed under new_sqlite_classes.',
    'ok       The main file exports StorageObject.',
    'ok       The KV namespace BOT_KV has an id.',
    'ok       No secret is in vars; npx wrangler secret list prints those that are set.',
  ])
})

const CONFIGURATIONS = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' })
  .filter((path) => /^[^/]+\/wrangler\.toml$/.test(path))
  .map((path) => join('examples', path))

test.each(['wrangler.toml', 'test/support/wrangler.toml', ...CONFIGURATIONS])(
  '%s of this repository has no problem',
  async (file) => {
    const { exitCode, stdout } = await cli(['doctor', '--config', join(ROOT, file)], { env: {} })
    expect(exitCode, stdout).toBe(0)
  },
)

test('a property of every object is no environment', async () => {
  const file = join(folder, 'prototype.json')
  await writeFile(file, '{}')
  const { exitCode, stderr } = await cli(['doctor', '--config', file, '--env', '__proto__'])
  expect([exitCode, stderr]).toEqual([6, expect.stringContaining('has no environment "__proto__"')])
})

test('a configuration that is nested too deep is refused', async () => {
  const file = join(folder, 'deep.json')
  await writeFile(file, `{"vars":${'['.repeat(200_000)}${']'.repeat(200_000)}}`)
  const { exitCode, stderr } = await cli(['doctor', '--config', file])
  expect([exitCode, stderr]).toEqual([
    3,
    expect.stringMatching(/is invalid, it is nested too deep\.\n$/),
  ])
})
