import { afterEach, describe, expect, test, vi } from 'vitest'
import { parseArguments } from '../../create-botshelf/src/arguments.ts'
import { UsageError } from '../../create-botshelf/src/choices.ts'

const parse = (...args: string[]): unknown => parseArguments(args, '1.2.3')

describe('the arguments', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('are a folder, a template, a framework and whether to ask', () => {
    expect(parse('my-bot', '--template', 'worker', '--framework=grammy', '--yes')).toEqual({
      folder: 'my-bot',
      template: 'worker',
      framework: 'grammy',
      yes: true,
    })
    expect(parse('-y', '-t', 'page', '-f', 'none')).toEqual({
      template: 'page',
      framework: 'none',
      yes: true,
    })
    expect(parse()).toEqual({ yes: false })
  })

  test.each([
    {
      args: ['--framewrk', 'grammy'],
      message: "Unknown option '--framewrk' (Did you mean --framework?).",
    },
    {
      args: ['--template', 'wroker'],
      message:
        "Option '-t, --template <name>' argument 'wroker' is invalid. Allowed choices are worker, page.",
    },
    { args: ['--framework'], message: "Option '-f, --framework <name>' argument missing." },
    // What is left of `npm create botshelf my-bot --template page`.
    {
      args: ['my-bot', 'page'],
      message:
        'The argument "page" follows the folder: npm needs "--" before options, as in npm create botshelf my-bot -- --template page.',
    },
    {
      args: ['--template', 'page', '--framework', 'grammy'],
      message:
        "A page cannot run a bot of grammy, since its visitors would see the bot's token: use --template worker.",
    },
  ])('$args are refused in one line', ({ args, message }) => {
    const stderr = vi.spyOn(process.stderr, 'write')
    expect(() => parse(...args)).toThrow(new UsageError(message))
    expect(stderr).not.toHaveBeenCalled()
  })

  test.each([
    { args: ['--help'], printed: /^Usage: create-botshelf[^]*npm create botshelf my-bot -- --/ },
    { args: ['--version'], printed: /^1\.2\.3\n$/ },
  ])('$args print to stdout, and nothing is created', ({ args, printed }) => {
    const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    expect(parse(...args)).toBeUndefined()
    expect(stdout.mock.calls.map(([text]) => text).join('')).toMatch(printed)
  })
})
