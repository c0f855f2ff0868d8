import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { AdminError } from '../../src/admin/client.ts'
import { parseName } from '../../src/backup/entry.ts'
import { type ConnectionOptions, readConnection, withConnectionOptions } from '../connection.ts'
import { SIGNS } from '../difference.ts'
import { CliError, EXIT, toCliError } from '../errors.ts'
import { type CommandIo, printLines } from '../io.ts'
import { remoteSource } from '../source/remote-source.ts'
import { formatCount, escapeControls, formatName, toJsonText } from '../text.ts'
import { formatShort, toJsonField } from '../values.ts'
import { ChangeDetector, type DetectedChange } from '../watch/change-detector.ts'

const MAX_RETRY_DELAY_MS = 60_000

interface WatchOptions extends ConnectionOptions {
  readonly prefix?: string
  readonly interval: string
  readonly json?: boolean
}

/** Adds `botshelf watch`. */
export function addWatchCommand(program: Command, io: CommandIo): void {
  withConnectionOptions(program.command('watch'))
    .description('print changes until Ctrl-C')
    .argument('[namespace]', 'without it, all namespaces')
    .option('--prefix <prefix>', 'only keys that begin with this; needs a namespace')
    .option('--interval <seconds>', 'the time between two reads', '2')
    .option('--json', 'print a JSON object for each change')
    .addHelpText(
      'after',
      `
The admin API has no subscription, so this command reads all watched entries in each interval: a call for
200 entries, or for 1,000 if the namespace has no more. It prints only the last of several changes between
two reads, and nothing for an entry that was added and removed. It watches up to 10,000 entries. While the
bot cannot be reached it keeps trying. Ctrl-C is the end, with exit code 0.

Examples:
  $ botshelf watch Karma
  $ botshelf watch Sessions --prefix user: --interval 10
  $ botshelf watch --json | jq .key`,
    )
    .action(async (namespace: string | undefined, options: WatchOptions) => {
      try {
        await watch(namespace, options, io)
      } catch (error) {
        // Ctrl-C is the only regular end.
        if (!io.signal.aborted) throw error
      }
    })
}

async function watch(
  namespace: string | undefined,
  options: WatchOptions,
  io: CommandIo,
): Promise<void> {
  const { prefix, json = false } = options
  const { signal } = io
  if (namespace !== undefined) parseName({ namespace, key: '' })
  else if (prefix !== undefined) {
    throw new CliError(EXIT.usage, '--prefix needs a namespace: botshelf watch Karma --prefix a')
  }
  const intervalMs = readInterval(options.interval)
  const source = remoteSource(await readConnection(options, io), io)
  const detector = new ChangeDetector(source, { namespace, prefix })
  // The first read has nothing to compare with.
  await detector.load()
  const what = namespace === undefined ? 'all namespaces' : formatName(namespace)
  io.stderr.write(
    `Watching ${what} of ${source.label}, ${formatCount(detector.size, 'entry')} now. Ctrl-C ends it.\n`,
  )
  for (let failures = 0; !io.stdout.destroyed;) {
    await delay(Math.min(intervalMs * 2 ** failures, MAX_RETRY_DELAY_MS), undefined, { signal })
    try {
      await printLines(io, formatChanges(detector.poll(), { json, namespace }))
      failures = 0
    } catch (error) {
      if (!isTemporary(error)) throw error
      failures++
      io.stderr.write(`botshelf: ${escapeControls(toCliError(error).message)} Trying again.\n`)
      await delay(Math.min(error.retryAfterMs, MAX_RETRY_DELAY_MS), undefined, { signal })
    }
  }
}

function readInterval(given: string): number {
  const seconds = /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : 0
  if (seconds >= 0.01 && seconds <= 86_400) return seconds * 1_000
  throw new CliError(
    EXIT.usage,
    `--interval must be a number of seconds, such as 2; received ${JSON.stringify(given)}.`,
  )
}

/** Whether the same call may succeed later: no response, a full rate limit, or a failed bot. */
function isTemporary(error: unknown): error is AdminError {
  if (!(error instanceof AdminError)) return false
  const { status = 503 } = error
  return status >= 500 || status === 429
}

interface FormatOptions {
  readonly json: boolean
  /** The only namespace; it is not repeated in each line. */
  readonly namespace: string | undefined
}

async function* formatChanges(
  changes: AsyncIterable<DetectedChange>,
  { json, namespace: only }: FormatOptions,
): AsyncGenerator<string> {
  for await (const { kind, namespace, key, stored } of changes) {
    const at = new Date().toISOString()
    if (json) {
      const { expires, version } = stored ?? {}
      const value = stored && toJsonField(stored)
      yield toJsonText({ at, kind, namespace, key, ...value, expires, version })
      continue
    }
    const where = only === undefined ? `${formatName(namespace)}  ` : ''
    const value = stored === undefined ? '' : `  ${formatShort(stored)}`
    yield `${at}  ${SIGNS[kind]} ${where}${formatName(key)}${value}`
  }
}
