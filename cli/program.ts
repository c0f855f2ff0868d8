import { Command, CommanderError } from 'commander'
import { VERSION } from '../src/version.ts'
import { addBackupCommand } from './commands/backup.ts'
import { addCopyCommand } from './commands/copy.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addGetCommand } from './commands/get.ts'
import { addImportErrbotCommand } from './commands/import-errbot.ts'
import { addKeysCommand } from './commands/keys.ts'
import { addListCommand } from './commands/ls.ts'
import { addMergeCommand } from './commands/merge.ts'
import { addRestoreCommand } from './commands/restore.ts'
import { addRemoveCommand } from './commands/rm.ts'
import { addSetCommand } from './commands/set.ts'
import { addWatchCommand } from './commands/watch.ts'
import { EXIT, EXIT_MEANINGS, type ExitCode, toCliError } from './errors.ts'
import type { CommandIo } from './io.ts'
import { useProxy } from './proxy.ts'
import { escapeControls } from './text.ts'

/** The commands by the headings of the help. */
const COMMANDS = {
  'Look:': [addListCommand, addGetCommand, addKeysCommand, addWatchCommand, addDoctorCommand],
  'Change:': [addSetCommand, addMergeCommand, addRemoveCommand],
  'Back up:': [addBackupCommand, addRestoreCommand],
  'Move:': [addCopyCommand, addImportErrbotCommand],
}

const HELP = `
Each command reads or changes a running bot (--url) through its admin API, or a backup file (--file).
botshelf help COMMAND has examples.

Environment:
  BOTSHELF_URL             the URL of the bot, instead of --url
  BOTSHELF_TOKEN           the admin token, instead of --token-file
  HTTPS_PROXY, HTTP_PROXY  the URL of a proxy; NO_PROXY lists hosts that need none
  NODE_EXTRA_CA_CERTS      a file with certificates of further authorities
  NO_COLOR                 questions without colors

Exit codes:
${Object.entries(EXIT_MEANINGS)
  .map(([code, meaning]) => `  ${code.padEnd(3)}  ${meaning}`)
  .join('\n')}

Examples:
  $ export BOTSHELF_URL=https://bot.example.com BOTSHELF_TOKEN="$(cat token.txt)"
  $ botshelf ls
  $ botshelf get Karma ann
  $ echo '{ "ann": 7 }' | botshelf merge Karma --lists append`

/**
 * Runs the command `botshelf` and resolves to its exit code. Errors are one sentence on `io.stderr`.
 *
 * @param args the arguments after the name of the program
 */
export async function runCli(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  let closeProxy: (() => Promise<void>) | undefined
  try {
    closeProxy = await useProxy(io.env)
    await createProgram(io).parseAsync([...args], { from: 'user' })
    return EXIT.ok
  } catch (error) {
    // Commander has written its message already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    const { message, exitCode } = toCliError(error)
    const hint =
      closeProxy !== undefined && exitCode === EXIT.unreachable
        ? ' The proxy of HTTPS_PROXY or HTTP_PROXY may be the reason; NO_PROXY lists hosts that need none.'
        : ''
    // The bot may have sent the message, or a part of it.
    const text = escapeControls(message.replaceAll(/\s*\n\s*/g, ' '))
    io.stderr.write(`botshelf: ${text}${hint}\n`)
    return exitCode
  } finally {
    await closeProxy?.()
  }
}

function createProgram(io: CommandIo): Command {
  const program = new Command('botshelf')
    .description("Look into, change, back up and move a bot's storage.")
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('Add --help for examples.')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // The value of an option that does not exist may be a token.
      outputError: (text, write) =>
        write(
          text.replace(/^error: /, 'botshelf: ').replace(/^(.*unknown option '[^'=]*)=.*'/, "$1'"),
        ),
    })
    .addHelpText('after', HELP)
  for (const [heading, commands] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading)
    for (const add of commands) add(program, io)
  }
  return program
}
