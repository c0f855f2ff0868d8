import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { orUsageError, readBot, type RunningBot, UsageError } from '../command-line.ts'
import { type LogEvent, logDate, readLog } from '../../worker/bot/irc-log.ts'

const STORAGES = ['Memory', 'IndexedDB', 'DurableObject', 'CloudflareKV'] as const

/** What is to be replayed, and where. */
export interface Replay {
  /** The log's file name. */
  readonly log: string
  readonly events: readonly LogEvent[]
  readonly storage: (typeof STORAGES)[number]
  /** A Worker that runs already, with its operator's token. */
  readonly worker: RunningBot | undefined
  readonly json: boolean
}

/** Reads the command line. @throws UsageError */
export function readArguments(): Replay {
  const { values, positionals } = parse()
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) {
    throw new UsageError('Name one log, such as test/data/irc/2007-10-24.train-c.txt.')
  }
  const storage = STORAGES.find((name) => name === values.storage)
  if (storage === undefined) throw new UsageError(`--storage takes one of ${STORAGES.join(', ')}.`)
  if ((storage === 'Memory' || storage === 'IndexedDB') && values.url !== undefined) {
    throw new UsageError(`--url is for the storages of a Worker, and ${storage} is none.`)
  }
  const log = basename(path)
  const midnight = logDate(log)
  if (midnight === undefined) {
    throw new UsageError(`The name of the log must hold its date (YYYY-MM-DD): ${log}`)
  }
  const events = [...readLog(read(path), midnight)]
  if (events.length === 0) throw new UsageError(`There is no line of an IRC log in ${log}.`)
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
    throw new UsageError(`The log cannot be read: ${path}`)
  }
}
