import { checkAnswer, parseNamespaces } from '../../src/admin/answers.ts'
import { AdminError, callBot } from '../../src/admin/client.ts'
import { VERSION } from '../../src/version.ts'
import type { BotConnection } from '../connection.ts'
import { type CliError, toCliError } from '../errors.ts'
import { adminPath } from '../source/remote-source.ts'
import { formatCount } from '../text.ts'
import type { Check } from './check.ts'

/** The difference of the clocks from which on it is reported. */
const MAX_CLOCK_SKEW_MS = 5_000

/** What to do about an error of the storage. */
const ADVICE: Readonly<Record<string, string>> = {
  VERSION_MISMATCH:
    'The Durable Object and the Worker run different versions of botshelf: deploy both from one version, then wait a minute.',
  CONFIG_INVALID:
    'Check the configuration with botshelf doctor --config, and the log with npx wrangler tail.',
  PLUGIN_NOT_FOUND: 'Register the backend of STORAGE in the Worker, or correct STORAGE.',
  UNAVAILABLE: 'The backend cannot list namespaces, or was called outside a request.',
}

/** Checks a deployed bot: whether it answers, accepts the token, which version it has, and a read. */
export async function checkBot(connection: BotConnection): Promise<readonly Check[]> {
  const reply = await readStatus(connection)
  if (reply.error !== undefined && reply.error.status !== 404) return [fromError(reply.error)]
  const storage = await readStorage(connection)
  if (reply.error !== undefined) {
    // Without a status, the answer of another route tells an older version from another server.
    return storage.level === 'ok' ? [NO_STATUS, storage] : [storage]
  }
  return [
    { level: 'ok', message: `${connection.url} answers and accepts the token.` },
    ...checkVersion(reply.version),
    checkClock(reply),
    storage,
  ]
}

const NO_STATUS: Check = {
  level: 'warning',
  message: `The Worker has an older version of botshelf than this command, ${VERSION}.`,
  advice: 'Update botshelf in the Worker and deploy it.',
}

interface Status {
  readonly error?: undefined
  readonly version: string
  /** The Worker's clock minus that of this machine. */
  readonly skewMs: number
  /** The error of `skewMs`. */
  readonly errorMs: number
}

async function readStatus(
  connection: BotConnection,
): Promise<Status | { readonly error: AdminError }> {
  const start = Date.now()
  try {
    const reply = await callBot(connection, adminPath(connection, 'status'))
    const { version, now } = await checkAnswer(connection.url, reply, parseStatus)
    const errorMs = (Date.now() - start) / 2
    return { version, skewMs: now - (start + errorMs), errorMs }
  } catch (error) {
    if (error instanceof AdminError) return { error }
    throw error
  }
}

function parseStatus({ version, now }: Readonly<Record<string, unknown>>): {
  version: string
  now: number
} {
  if (typeof version === 'string' && typeof now === 'number') return { version, now }
  throw new TypeError('The fields "version" and "now" are not a string and a number.')
}

function checkVersion(version: string): readonly Check[] {
  if (version === VERSION) {
    return [{ level: 'ok', message: `The Worker has botshelf ${version}, like this command.` }]
  }
  return [
    {
      level: 'warning',
      message: `The Worker has botshelf ${version}, and this command is ${VERSION}.`,
      advice: `Deploy the Worker with ${VERSION}, or call npx botshelf@${version}.`,
    },
  ]
}

function checkClock({ skewMs, errorMs }: Status): Check {
  if (Math.abs(skewMs) <= MAX_CLOCK_SKEW_MS + errorMs) {
    return { level: 'ok', message: 'The clocks of the Worker and of this machine agree.' }
  }
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  return {
    level: 'warning',
    message: `The clock of this machine is ${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} that of the Worker.`,
    advice: 'Set the clock, because a time of expiry that this machine computes is off by as much.',
  }
}

async function readStorage(connection: BotConnection): Promise<Check> {
  try {
    const reply = await callBot(connection, adminPath(connection, 'namespaces'))
    const { length } = await checkAnswer(connection.url, reply, parseNamespaces)
    return {
      level: 'ok',
      message: `The storage can be read: ${formatCount(length, 'namespace')}.`,
    }
  } catch (error) {
    if (error instanceof AdminError) return fromError(error)
    throw error
  }
}

function fromError(error: AdminError): Check {
  const { message }: CliError = toCliError(error)
  const { code } = error
  if (code === undefined) return { level: 'problem', message }
  const advice = ADVICE[code] ?? 'See the log with npx wrangler tail.'
  return { level: 'problem', message: `${message} (${code})`, advice }
}
