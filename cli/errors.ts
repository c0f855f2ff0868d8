import { AdminError } from '../src/admin/client.ts'
import { InvalidInputError } from '../src/backup/entry.ts'
import { BackupError } from '../src/backup/lines.ts'
import { NamespaceError } from '../src/backup/target.ts'
import { isStoreError } from '../src/errors.ts'
import { explainConnectionError } from './connection-error.ts'

/** The exit codes of the command; docs/cli.md lists them. */
export const EXIT = {
  ok: 0,
  /** A failure that no other code names. */
  failed: 1,
  /** The arguments are wrong; nothing was read or changed. */
  usage: 2,
  /** The input or the file is invalid; nothing was changed. */
  input: 3,
  /** The bot cannot be reached: DNS, refused connection, TLS, no answer in time. */
  unreachable: 4,
  /** The admin token is missing or wrong. */
  unauthorized: 5,
  /** There is no such entry or file, or no admin API at the URL. */
  notFound: 6,
  /** The bot refused the change or its storage failed. */
  storage: 7,
  /** `doctor` found a problem. */
  problem: 8,
  /** Interrupted by Ctrl-C. */
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** A failure of a command. Its message is one sentence that says what was wrong and what to do. */
export class CliError extends Error {
  override readonly name: string = 'CliError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
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
