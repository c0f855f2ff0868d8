import { Command, CommanderError } from 'commander'
import { VERSION } from '../src/version.ts'
import { addBackupCommand } from './commands/backup.ts'
import { addCopyCommand } from './commands/copy.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addImportErrbotCommand } from './commands/import-errbot.ts'
import { addListCommand } from './commands/ls.ts'
import { addRestoreCommand } from './commands/restore.ts'
import { EXIT, type ExitCode, toCliError } from './errors.ts'
import type { CommandIo } from './io.ts'
import { useProxy } from './proxy.ts'

const COMMANDS = [addListCommand, addBackupCommand, addRestoreCommand, addCopyCommand, addImportErrbotCommand, addDoctorCommand]

/**
 * Runs the command `botshelf` and resolves to its exit code. Errors are one sentence on `io.stderr`.
 *
 * @param args the arguments after the name of the program
 */
export async function runCli(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  try {
    await useProxy(io.env)
    await createProgram(io).parseAsync([...args], { from: 'user' })
    return EXIT.ok
  } catch (error) {
    // Commander has written its message already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    const { message, exitCode } = toCliError(error)
    io.stderr.write(`botshelf: ${message}\n`)
    return exitCode
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
    })
    .configureHelp({ showGlobalOptions: true })
  for (const add of COMMANDS) add(program, io)
  return program
}
