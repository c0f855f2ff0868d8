import { checkAnswer, parseBackupPart, parseRestoreAnswer } from '../../src/admin/answers.ts'
import { callWithRetries } from '../../src/admin/call-with-retries.ts'
import { AdminError } from '../../src/admin/client.ts'
import type { BackupEntry } from '../../src/backup/entry.ts'
import type { BackupPart } from '../../src/backup/part.ts'
import type { RestoreMode } from '../../src/backup/plan.ts'
import type { BotConnection } from '../connection.ts'
import { CliError, EXIT, toCliError } from '../errors.ts'
import { adminPath } from '../source/remote-source.ts'

/** A part of a backup as a bot sends it: entries without removals. */
export type ReadPart = BackupPart & { readonly entries: readonly BackupEntry[] }

/** Where a storage is read, and what stops it. */
export interface ReadOptions {
  readonly connection: BotConnection
  /** The cursor to start after; `null` for the first part. */
  readonly after?: string | null
  readonly signal: AbortSignal
}

/** Reads a storage part by part: `GET /admin/backup`. */
export async function* readRemoteParts({
  connection,
  after = null,
  signal,
}: ReadOptions): AsyncGenerator<ReadPart, void, undefined> {
  for (let cursor: string | null | undefined = after; cursor !== undefined;) {
    const start = cursor
    const path = adminPath(connection, 'backup', { cursor: cursor ?? undefined })
    const answer = await callWithRetries(connection, path, { signal })
    const part: BackupPart = await checkAnswer(connection.url, answer, () =>
      parseBackupPart(answer, start),
    )
    yield part as ReadPart
    cursor = part.next ?? undefined
  }
}

/** Reads the entries of a storage, sorted by namespace and key. */
export async function* readRemoteEntries(
  options: ReadOptions,
): AsyncGenerator<BackupEntry, void, undefined> {
  for await (const { entries } of readRemoteParts(options)) yield* entries
}

/** A restore that was begun. */
export interface RestoreProgress {
  /** The cursor after which the next part starts; `null` for the first part. */
  readonly after: string | null
  /** The restore token; absent before the first part. */
  readonly restore?: string | undefined
  /** The number of entries that were sent. */
  readonly entries: number
}

export const NOT_STARTED: RestoreProgress = { after: null, entries: 0 }

/** What {@link sendParts} sends, and where. */
export interface SendOptions {
  readonly connection: BotConnection
  readonly mode: RestoreMode
  readonly signal: AbortSignal
  /** Where to start. */
  readonly from: RestoreProgress
  /** Reads the parts that start after a cursor. */
  readonly partsAfter: (after: string | null) => AsyncIterable<BackupPart>
  /** Called after each call with the state to continue from. */
  readonly onProgress: (progress: RestoreProgress) => Promise<void>
  /** Called if the bot no longer accepts the restore token, before all parts are sent again. */
  readonly onStartOver: () => void
}

/** Sends parts to a bot: `POST /admin/restore`. */
export async function sendParts(options: SendOptions): Promise<void> {
  try {
    await sendFrom(options)
  } catch (error) {
    // Sending all parts again is safe. It is needed after a change of the admin token, or if the source
    // has changed since a part of which the bot had not removed everything.
    if (options.from.restore === undefined || !isTokenRefused(error)) throw error
    options.onStartOver()
    await sendFrom({ ...options, from: NOT_STARTED })
  }
}

async function sendFrom({
  connection,
  mode,
  signal,
  from,
  partsAfter,
  onProgress,
}: SendOptions): Promise<void> {
  const path = adminPath(connection, 'restore')
  let { restore, entries } = from
  for await (const part of partsAfter(from.after)) {
    for (let again = true; again;) {
      const body = { mode, part, restore }
      const answer = await callWithRetries(connection, path, { body, signal })
      ;({ restore, again } = await checkAnswer(connection.url, answer, parseRestoreAnswer))
      if (!again) entries += part.entries.length
      await onProgress({ after: again ? part.after : part.next, restore, entries })
    }
  }
}

function isTokenRefused(error: unknown): boolean {
  return error instanceof AdminError && (error.status === 409 || error.status === 400)
}

/** Runs a transfer. If it is interrupted or fails, the error says how to continue. */
export async function resumable<T>(
  signal: AbortSignal,
  describeState: (error: unknown) => string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (signal.aborted) {
      throw new CliError(EXIT.interrupted, `Interrupted. ${describeState(error)}`, { cause: error })
    }
    const { message, exitCode } = toCliError(error)
    throw new CliError(exitCode, `${message} ${describeState(error)}`, { cause: error })
  }
}
