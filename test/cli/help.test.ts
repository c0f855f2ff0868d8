import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { EXIT } from '../../cli/errors.ts'
import { cli } from './support/run-cli.ts'

test('--help groups the commands', async () => {
  const { exitCode, stdout, stderr } = await cli(['--help'])
  expect([exitCode, stderr]).toEqual([0, ''])
  for (const heading of ['Look:\n', 'Change:\n']) expect(stdout).toContain(heading)
  expect(stdout).not.toContain('More:')
})

test('the help and the page list the same exit codes', async () => {
  const page = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| (\d+) \| (.*) \|$/gm)]
  expect(rows.map(([, code]) => Number(code))).toEqual(Object.values(EXIT))
  const lines = rows.map(([, code = '', meaning = '']) => `  ${code.padEnd(5)}${meaning}\n`)
  const { stdout } = await cli(['--help'])
  expect(stdout).toContain(`Exit codes:\n${lines.join('').replaceAll('`', '')}`)
})

test('the help of each command has examples that name it', async () => {
  const { stdout } = await cli(['--help'])
  const names = [...stdout.matchAll(/^ {2}([a-z-]+) (?=.*[[<])/gm)].map(([, name = '']) => name)
  expect(names).toEqual(
    expect.arrayContaining(['ls', 'get', 'set', 'merge', 'rm', 'keys', 'watch']),
  )
  for (const name of names) {
    if (name === 'help') continue
    const help = await cli([name, '--help'])
    expect(help.exitCode).toBe(0)
    const [, examples = ''] = help.stdout.split('Examples:\n')
    expect(examples, name).toContain(`botshelf ${name}`)
  }
})

test('without arguments the help is printed to standard error, with exit code 2', async () => {
  const { exitCode, stdout, stderr } = await cli([])
  expect([exitCode, stdout]).toEqual([2, ''])
  expect(stderr).toContain('Usage: botshelf')
})

test.each([
  [['lss'], "unknown command 'lss'", 'Did you mean ls?'],
  [['get', 'Karma', '--jsn'], "unknown option '--jsn'", 'Did you mean --json?'],
  [['get'], "missing required argument 'namespace'", '--help'],
  [['keys', 'Karma', 'ann'], 'too many arguments', '--help'],
  [['merge', 'Karma'], "required option '--lists <mode>' not specified", '--help'],
  [['merge', 'Karma', '--lists', 'add'], 'Allowed choices are append, replace', '--help'],
  [
    ['ls', '--file', 'a.jsonl', '--url', 'http://a.example'],
    'cannot be used with option',
    '--help',
  ],
])('a mistake in the arguments is exit code 2 with a hint: %j', async (args, problem, hint) => {
  const { exitCode, stdout, stderr } = await cli(args)
  expect([exitCode, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^botshelf: /)
  expect(stderr).toContain(problem)
  expect(stderr).toContain(hint)
})
