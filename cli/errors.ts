import { AdminError } from '../src/admin/client.ts'
import { InvalidInputError } from '../src/backup/entry.ts'
import { BackupError } from '../src/backup/lines.ts'
import { NamespaceError } from '../src/backup/target.ts'
import { isStoreError } from '../src/errors.ts'
import { explainConnectionError } from './connection-error.ts'

/** The exit codes of the command. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  input: 3,
  unreachable: 4,
  unauthorized: 5,
  notFound: 6,
  storage: 7,
  problem: 8,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What each exit code means, for the help. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.ok]: 'done',
  [EXIT.failed]: 'a failure that no other code names',
  [EXIT.usage]: 'wrong arguments; nothing was read or changed',
  [EXIT.input]: 'the input or a file is invalid, or JSON cannot hold a value; nothing was changed',
  [EXIT.unreachable]: 'the bot cannot be reached: DNS, connection, TLS, no answer in time',
  [EXIT.unauthorized]: 'the admin token is missing or wrong',
  [EXIT.notFound]: 'no such entry or file, or no admin API at the URL',
  [EXIT.storage]: 'the bot refused the change, or its storage failed',
  [EXIT.problem]: 'doctor found a problem',
  [EXIT.interrupted]: 'interrupted by Ctrl-C, or a question was answered with no',
}

/** A failure of a command. Its message is one sentence that says what was wrong and what to do. */
export class CliError extends Error {
  override readonly name: string = 'CliError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Creates the error for a file that cannot be read. */
export function createReadError(file: string, cause: unknown): CliError {
  const { code = '' } = cause as NodeJS.ErrnoException
  const message =
    code === 'ENOENT'
      ? `There is no file ${file}. Check its name.`
      : `The file ${file} cannot be read (${code}). Check that it is a file, and its permissions.`
  return new CliError(EXIT.notFound, message, { cause })
}

/** Converts any error into one with an exit code and a sentence. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error
  const cause = { cause: error }
  if (error instanceof Error && error.name === 'AbortError') {
    return new CliError(EXIT.interrupted, 'Interrupted.', cause)
  }
  if (error instanceof AdminError) return fromAdminError(error)
  if (error instanceof NamespaceError) {
    const inner = error.cause instanceof AdminError ? fromAdminError(error.cause) : undefined
    return new CliError(inner?.exitCode ?? EXIT.storage, error.message, cause)
  }
  if (error instanceof BackupError || error instanceof InvalidInputError) {
    return new CliError(EXIT.input, error.message, cause)
  }
  if (isStoreError(error)) return new CliError(EXIT.storage, error.message, cause)
  const message = error instanceof Error ? error.message : String(error)
  // The messages of the system, such as of a full disk, are no sentences.
  return new CliError(EXIT.failed, message.replace(/\.?$/, '.'), cause)
}

function fromAdminError(error: AdminError): CliError {
  const cause = { cause: error }
  switch (error.status) {
    case undefined:
      return new CliError(EXIT.unreachable, explainConnectionError(error), cause)
    case 401:
      return new CliError(EXIT.unauthorized, error.message, cause)
    case 404:
      return new CliError(EXIT.notFound, error.message, cause)
    default: {
      // A success that is no JSON comes from another server.
      const isForeign = error.status < 400
      return new CliError(isForeign ? EXIT.notFound : EXIT.storage, error.message, cause)
    }
  }
}
