import process from 'node:process'

/** A mistake of whoever called, as one sentence. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}

/** A running bot, and its operator's token. */
export interface RunningBot {
  readonly url: string
  readonly token: string
}

/**
 * The bot at an address as `npm start` prints it, with the token behind its `#token=`; or with
 * `ADMIN_TOKEN` in the environment, which is seen by fewer.
 *
 * @throws UsageError
 */
export function readBot(address: string): RunningBot {
  if (!URL.canParse(address) || !/^https?:/.test(address)) {
    throw new UsageError('--url takes the address of a running bot, as npm start prints it.')
  }
  const { origin, hash } = new URL(address)
  const token = new URLSearchParams(hash.slice(1)).get('token') ?? process.env['ADMIN_TOKEN']
  if (token) return { url: `${origin}/`, token }
  throw new UsageError(
    "The operator's token is missing: give the address with its #token=..., or set ADMIN_TOKEN.",
  )
}

/** Reads arguments; what is wrong with them is the caller's mistake. @throws UsageError */
export function orUsageError<R>(read: () => R): R {
  try {
    return read()
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** Runs a command. Exit code 2: a mistake in its arguments; 1: it failed, and said why. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}
