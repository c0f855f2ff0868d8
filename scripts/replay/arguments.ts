import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { orUsageError, readBot, type RunningBot, UsageError } from '../command-line.ts'
import { type LogEvent, logDate, readLog } from '../../worker/bot/irc-log.ts'

const STORAGES = ['Memory', 'IndexedDB', 'DurableObject', 'CloudflareKV'] as const

/** The parsed command line of `npm run replay`. */
export interface ReplayOptions {
  /** The file name of the log. */
  readonly log: string
  readonly events: readonly LogEvent[]
  readonly storage: (typeof STORAGES)[number]
  /** A running Worker and its operator's token. */
  readonly worker: RunningBot | undefined
  readonly json: boolean
}

/**
 * Parses the command line and reads the log.
 *
 * @throws UsageError
 */
export function readArguments(): ReplayOptions {
  const { values, positionals } = parse()
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) {
    throw new UsageError('Pass one log, such as test/data/irc/2007-10-24.train-c.txt.')
  }
  const storage = STORAGES.find((name) => name === values.storage)
  if (storage === undefined)
    throw new UsageError(`--storage must be one of ${STORAGES.join(', ')}.`)
  if ((storage === 'Memory' || storage === 'IndexedDB') && values.url !== undefined) {
    throw new UsageError(
      `--url needs a storage of a Worker: DurableObject or CloudflareKV, not ${storage}.`,
    )
  }
  const log = basename(path)
  const midnight = logDate(log)
  if (midnight === undefined) {
    throw new UsageError(
      `The file name of the log must contain its date (YYYY-MM-DD); received ${log}.`,
    )
  }
  const events = [...readLog(read(path), midnight)]
  if (events.length === 0) throw new UsageError(`${log} contains no line of an IRC log.`)
  const worker = values.url === undefined ? undefined : readBot(values.url)
  return { log, events, storage, worker, json: values.json }
}

function parse(): {
  values: { storage?: string; url?: string; json: boolean }
  positionals: string[]
} {
  return orUsageError(() =>
    parseArgs({
      allowPositionals: true,
      options: {
        storage: { type: 'string' },
        url: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    }),
  )
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new UsageError(`Cannot read the log ${path}.`)
  }
}
