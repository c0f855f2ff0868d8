import { AdminError } from '../../src/admin/client.ts'
import { MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES, splitIntoChunks } from '../../src/backup/chunks.ts'
import { type BackupChange, byName } from '../../src/backup/entry.ts'
import { CliError, toCliError } from '../errors.ts'

/** Options of {@link sendInChunks}. */
export interface SendOptions<C> {
  /** Sends changes of one namespace in one call. */
  readonly send: (chunk: readonly C[]) => Promise<void>
  /** Stops between two chunks. */
  readonly signal: AbortSignal | undefined
  /** How many changes the command makes. */
  readonly total: number
  /** How many of them were made before. Default 0. */
  readonly done?: number
  /** Whether making all changes again has the same result. Default `true`. */
  readonly isRepeatable?: boolean
}

/**
 * Sends changes in chunks that the admin API accepts, sorted by name.
 *
 * @throws CliError that says how many changes were made
 */
export async function sendInChunks<C extends BackupChange>(
  changes: readonly C[],
  { send, signal, total, done: before = 0, isRepeatable = true }: SendOptions<C>,
): Promise<void> {
  const bounds = { maxItems: MAX_CHUNK_ENTRIES, maxBytes: MAX_CHUNK_BYTES }
  let done = before
  for (const namespaceChanges of groupByNamespace(changes)) {
    for (const chunk of splitIntoChunks(namespaceChanges, bounds)) {
      try {
        signal?.throwIfAborted()
        await send(chunk)
      } catch (error) {
        // It says itself what the call did.
        if (error instanceof CliError && done === 0) throw error
        const { message, exitCode } = toCliError(error)
        const progress = { done, total, inDoubt: countInDoubt(error, chunk.length), isRepeatable }
        const text = `${message} ${describeProgress(progress)}`
        throw new CliError(exitCode, text, { cause: error })
      }
      done += chunk.length
    }
  }
}

function groupByNamespace<C extends BackupChange>(changes: readonly C[]): Iterable<readonly C[]> {
  const groups = new Map<string, C[]>()
  for (const change of changes.toSorted(byName)) {
    const group = groups.get(change.namespace)
    if (group === undefined) groups.set(change.namespace, [change])
    else group.push(change)
  }
  return groups.values()
}

/** Counts the changes of a failed call that may have been made. */
function countInDoubt(error: unknown, sent: number): number {
  if (error instanceof AdminError) {
    // A refused request changes nothing, except 413 from Workers KV.
    const { status = 500 } = error
    return status >= 500 || status === 413 ? sent : 0
  }
  return 0
}

interface Progress {
  readonly done: number
  readonly total: number
  readonly inDoubt: number
  readonly isRepeatable: boolean
}

function describeProgress({ done, total, inDoubt, isRepeatable }: Progress): string {
  if (done === 0 && inDoubt === 0) return 'Nothing was changed.'
  const doubt = inDoubt === 0 ? '' : `, and up to ${inDoubt} more may have been made`
  const advice = isRepeatable
    ? 'Repeat the command to make all of them.'
    : 'Look at the entries before you repeat the command, because it would append again.'
  return `${done} of ${total} changes were made${doubt}. ${advice}`
}
