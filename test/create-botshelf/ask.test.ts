import { PassThrough } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { ask } from '../../create-botshelf/src/ask.ts'
import type { Arguments } from '../../create-botshelf/src/arguments.ts'
import type { Choices } from '../../create-botshelf/src/choices.ts'

const ENTER = '\r'
const DOWN = '\u001B[B'
const CTRL_C = '\u0003'

/** Answers the questions by these keys. Also returns what the terminal shows. */
async function answer(
  given: Partial<Arguments>,
  ...keys: string[]
): Promise<{ choices: Choices | undefined; shown: string }> {
  const input = new PassThrough()
  const output = new PassThrough()
  let all = ''
  let shown = ''
  output.on('data', (data: Buffer) => (shown += data.toString()))
  const asked = ask({ yes: false, ...given }, { input, output })
  for (const key of keys) {
    await vi.waitFor(() => expect(shown).not.toBe(''), { interval: 1 }) // the reply to the last key
    all += shown
    shown = ''
    input.write(key)
  }
  return { choices: await asked, shown: all + shown }
}

test('without arguments there are three questions, whose first answers are the defaults', async () => {
  const { choices, shown } = await answer({}, ENTER, ENTER, ENTER)
  expect(choices).toEqual({ folder: 'my-bot', template: 'worker', framework: 'none' })
  expect(shown).toMatch(/In which folder\?[^]*Where does the bot run\?[^]*With which framework\?/)
})

test('what the arguments say is not asked', async () => {
  const given = { folder: 'some-bot', framework: 'chat-sdk' } as const
  expect((await answer(given)).choices).toEqual({ ...given, template: 'worker' })
})

test('a page has no framework, so none is asked for', async () => {
  const { choices } = await answer({}, 'some-bot', ENTER, DOWN, ENTER)
  expect(choices).toEqual({ folder: 'some-bot', template: 'page', framework: 'none' })
})

test('a folder that cannot be used is asked for again', async () => {
  const { choices, shown } = await answer({ template: 'page' }, 'A', ENTER, '\u007F', 'b', ENTER)
  expect(choices).toMatchObject({ folder: 'b' })
  expect(shown).toContain('"A" cannot name a project')
})

test.each([
  { at: 'the folder', given: {} },
  { at: 'the template', given: { folder: 'some-bot' } },
  { at: 'the framework', given: { folder: 'some-bot', template: 'worker' } },
] as const)('Ctrl-C at the question for $at cancels', async ({ given }) => {
  expect((await answer(given, CTRL_C)).choices).toBeUndefined()
})
