import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test.each([
  [
    'test-engines',
    ['--only', 'nod'],
    '--only takes node, workerd, chromium, firefox, webkit; received nod.',
  ],
  [
    'test-engines',
    ['--only', 'nod', '--serve'],
    '--only takes node, workerd, chromium, firefox, webkit; received nod.',
  ],
  [
    'test-engines',
    ['node'],
    "Unexpected argument 'node'. This command does not take positional arguments",
  ],
  ['test-crash', ['--kills', 'x'], '--kills takes a whole number from 1; received x.'],
  ['test-crash', ['--kills', '-3'], "Option '--kills' argument is ambiguous."],
  ['test-soak', ['--minutes', '0'], '--minutes takes a number above 0, at most 10080; received 0.'],
  [
    'test-soak',
    ['--minutes', 'Infinity'],
    '--minutes takes a number above 0, at most 10080; received Infinity.',
  ],
  [
    'test-soak',
    ['--only', 'disk'],
    '--only takes memory, indexeddb, remote, inside, kv; received disk.',
  ],
  ['measure-transfer', ['--entries', '0'], '--entries takes a whole number from 1; received 0.'],
  ['trust-report', ['--only', 'node'], "Unknown option '--only'"],
])('%s %j fails with one sentence and exit code 2', (name, args, sentence) => {
  const script = fileURLToPath(new URL(`../../scripts/${name}.ts`, import.meta.url))
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=botshelf-source', script, ...args],
    { encoding: 'utf8', timeout: 10_000 },
  )
  expect([stdout, stderr, status]).toEqual(['', `${sentence}\n`, 2])
})
