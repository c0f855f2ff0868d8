import { afterEach, beforeEach, expect, test } from 'vitest'
import { HttpError } from '../../src/admin/index.ts'
import { MAX_WATCHED_ENTRIES } from '../../cli/watch/change-detector.ts'
import { runCli } from '../../cli/program.ts'
import { PassThrough } from 'node:stream'
import { TOKEN } from './support/memory-bot.ts'
import { cli } from './support/run-cli.ts'
import { type SeededBot, startSeededBot } from './support/seeded-bot.ts'

let bot: SeededBot
let failure: HttpError | undefined

beforeEach(async () => {
  failure = undefined
  bot = await startSeededBot({
    limit() {
      if (failure !== undefined) throw failure
    },
  })
})
afterEach(() => bot.stop())

/** A running `botshelf watch`. */
interface Watch {
  /** Resolves to the next line of standard output, without its time. */
  next(): Promise<string>
  /** Resolves when standard error has the text. */
  note(text: string): Promise<void>
  stop(): Promise<number>
  readonly done: Promise<number>
}

async function watch(...args: readonly string[]): Promise<Watch> {
  const interrupt = new AbortController()
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  let [lines, notes] = ['', '']
  stdout.on('data', (chunk: Buffer) => (lines += chunk.toString()))
  stderr.on('data', (chunk: Buffer) => (notes += chunk.toString()))
  const done: Promise<number> = runCli(['watch', ...args, '--url', bot.url, '--interval', '0.02'], {
    stdin: new PassThrough(),
    stdout,
    stderr,
    env: { BOTSHELF_TOKEN: TOKEN },
    signal: interrupt.signal,
  })
  const note = (text: string): Promise<void> => expect.poll(() => notes, POLL).toContain(text)
  await note('Ctrl-C ends it.')
  return {
    async next() {
      await expect.poll(() => lines, POLL).toContain('\n')
      const [line = '', ...rest] = lines.split('\n')
      lines = rest.join('\n')
      return line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, '')
    },
    note,
    stop() {
      interrupt.abort()
      return done
    },
    done,
  }
}

const POLL = { timeout: 20_000, interval: 5 }

test('watch prints a line for each entry that is added, changed or removed, until Ctrl-C', async () => {
  const running = await watch('Karma')
  await using karma = await bot.open('Karma')
  await karma.set('carl', [1])
  expect(await running.next()).toBe(' + carl  [1]')
  await karma.set('ann', 8)
  expect(await running.next()).toBe(' ~ ann  8')
  await karma.set('ann', 8, { expires: 4_102_444_800_000 })
  expect(await running.next()).toBe(' ~ ann  8  (expires 2100-01-01T00:00:00.000Z)')
  await karma.delete('ben')
  expect(await running.next()).toBe(' - ben')
  expect(await running.stop()).toBe(0)
})

test('watch of all namespaces names them, and --json prints an object for each change', async () => {
  const running = await watch()
  const json = await watch('--json')
  await using notes = await bot.open('Notes')
  await notes.set('todo', new Map([['tea', 1]]))
  expect(await running.next()).toBe(" + Notes  todo  Map(1) { 'tea' => 1 }")
  const { at, ...change } = JSON.parse(await json.next()) as { readonly at: string }
  expect(new Date(at).toISOString()).toBe(at)
  expect(change).toEqual({
    kind: 'added',
    namespace: 'Notes',
    key: 'todo',
    encoded: '1:[["Map",1,2],"tea",1]',
  })
  await notes.delete('todo')
  expect(JSON.parse(await json.next())).toMatchObject({ kind: 'removed', key: 'todo' })
  expect(await Promise.all([running.stop(), json.stop()])).toEqual([0, 0])
})

test('watch --prefix prints only the keys with the prefix', async () => {
  const running = await watch('Karma', '--prefix', 'b')
  await using karma = await bot.open('Karma')
  await karma.set('ann', 8)
  await karma.set('ben', 3)
  expect(await running.next()).toBe(' ~ ben  3')
  await running.stop()
})

test('watch goes on after a temporary failure, and prints what changed meanwhile', async () => {
  const running = await watch('Karma')
  failure = new HttpError(503, 'The storage failed for now.')
  await running.note('botshelf: The storage failed for now. Trying again.')
  await using karma = await bot.open('Karma')
  await karma.set('ann', 8)
  failure = undefined
  expect(await running.next()).toBe(' ~ ann  8')
  await running.stop()
})

test('watch ends when the token is refused', async () => {
  const running = await watch('Karma')
  failure = new HttpError(401, 'The token is not the admin token of this bot.')
  expect(await running.done).toBe(5)
})

test('watch refuses more entries than it keeps', async () => {
  await using many = await bot.open('Many')
  await many.setMany(
    Array.from({ length: MAX_WATCHED_ENTRIES + 1 }, (_, n): [string, number] => [`k${n}`, n]),
  )
  const args = ['--url', bot.url]
  const { exitCode, stderr } = await cli(['watch', 'Many', ...args])
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Limit it with --prefix')])
  expect((await cli(['watch', ...args])).stderr).toContain('Name a namespace')
})

test.each([
  ['--interval', '0'],
  ['--interval', 'soon'],
  ['--prefix', 'a'],
])('watch %s %s is a wrong argument', async (option, value) => {
  const { exitCode, stderr } = await cli(['watch', option, value, '--url', bot.url])
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(option)])
})
