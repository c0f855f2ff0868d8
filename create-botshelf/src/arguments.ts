import { Command, CommanderError, Option } from 'commander'
import {
  type Choices,
  type Framework,
  FRAMEWORKS,
  type Template,
  TEMPLATES,
  UsageError,
} from './choices.ts'

/** The choices that the arguments make. */
export interface Arguments extends Partial<Choices> {
  /** Whether defaults replace questions. */
  readonly yes: boolean
}

const EXAMPLES = `
Examples:
  npm create botshelf
  npm create botshelf my-bot -- --template worker --framework grammy
  npm create botshelf my-bot -- --template page
`

/**
 * Reads the arguments of the command. Prints the help or the version and returns `undefined`, if
 * they ask for it.
 *
 * @throws UsageError
 */
export function parseArguments(args: readonly string[], version: string): Arguments | undefined {
  const command = new Command('create-botshelf')
    .usage('[folder] [options]')
    .description('Creates a chat bot that keeps its data with botshelf, in a Worker or in a page.')
    .argument('[folder]', 'the folder of the project, which is created')
    .addOption(new Option('-t, --template <name>', 'where the bot runs').choices(TEMPLATES))
    .addOption(
      new Option('-f, --framework <name>', "the bot's framework, in a Worker").choices(FRAMEWORKS),
    )
    .option('-y, --yes', 'use defaults in place of questions')
    .helpOption('-h, --help', 'print this help')
    .version(version, '-v, --version', 'print the version')
    .addHelpText('after', EXAMPLES)
    .allowExcessArguments()
    .configureOutput({ outputError: () => {} })
    .exitOverride()
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return undefined
    throw new UsageError(explain(error))
  }
  const [folder, excess] = command.args
  if (excess !== undefined) {
    // npm takes options without `--` for its own and leaves their values to the command.
    throw new UsageError(
      `The argument "${excess}" follows the folder: npm needs "--" before options, as in npm create botshelf my-bot -- --template page.`,
    )
  }
  const {
    template,
    framework,
    yes = false,
  } = command.opts<{
    template?: Template
    framework?: Framework
    yes?: boolean
  }>()
  if (template === 'page') checkPageFramework(framework)
  return {
    yes,
    ...(folder !== undefined && { folder }),
    ...(template !== undefined && { template }),
    ...(framework !== undefined && { framework }),
  }
}

/** @throws UsageError for a framework whose bot cannot run in a page */
function checkPageFramework(framework: Framework | undefined): void {
  if (framework === 'grammy' || framework === 'chat-sdk') {
    throw new UsageError(
      `A page cannot run a bot of ${framework}, since its visitors would see the bot's token: use --template worker.`,
    )
  }
}

/** Returns the message of commander as one sentence. */
function explain({ message }: CommanderError): string {
  const text = message.replace(/^error: /, '').replace('\n', ' ')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`
}
