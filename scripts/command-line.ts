import process from 'node:process'

/** A mistake in the arguments of a command. The message is one sentence. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}

/** The address of a running bot, and the token of its operator. */
export interface RunningBot {
  readonly url: string
  readonly token: string
}

/**
 * Reads the address of a bot, as `npm start` prints it. The token follows `#token=`, or is in the
 * environment variable `ADMIN_TOKEN`, which other users of the machine cannot see.
 *
 * @throws UsageError
 */
export function readBot(address: string): RunningBot {
  if (!URL.canParse(address) || !/^https?:/.test(address)) {
    throw new UsageError(
      '--url takes the address of a running bot, such as http://localhost:8787/#token=...',
    )
  }
  const { origin, hash } = new URL(address)
  const token = new URLSearchParams(hash.slice(1)).get('token') ?? process.env['ADMIN_TOKEN']
  if (token) return { url: `${origin}/`, token }
  throw new UsageError(
    "The operator's token is missing: append #token=... to the address, or set ADMIN_TOKEN.",
  )
}

/** Calls a function that reads arguments, and turns its errors into a `UsageError`. */
export function orUsageError<R>(read: () => R): R {
  try {
    return read()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // `parseArgs` explains some mistakes in several lines; the first one says what is wrong.
    throw new UsageError(message.split('\n', 1)[0])
  }
}

/** Runs a command. If it fails, prints the message; the exit code is 2 for a `UsageError`, else 1. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}
