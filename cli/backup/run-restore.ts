import type { Command } from 'commander'
import { AdminError } from '../../src/admin/client.ts'
import type { BackupPart } from '../../src/backup/part.ts'
import type { RestoreMode } from '../../src/backup/plan.ts'
import type { BackupEntry } from '../../src/backup/entry.ts'
import type { BotConnection } from '../connection.ts'
import type { Confirm } from '../confirm.ts'
import { SIGNS } from '../difference.ts'
import { type CommandIo, printJson, printLines } from '../io.ts'
import { formatCount, formatName, toJsonText } from '../text.ts'
import { compare, type Comparison, formatComparison } from './compare.ts'
import { startProgress } from './progress.ts'
import { openStateFile, type TransferIdentity } from './state-file.ts'
import { readRemoteEntries, resumable, sendParts } from './transfer.ts'

/** Options of the commands that change a storage as a whole. */
export interface RestoreFlags {
  readonly replace?: true
  readonly dryRun?: true
  readonly verbose?: true
  readonly yes?: true
  readonly json?: true
}

/** Adds the options of {@link RestoreFlags} to a command. */
export function withRestoreFlags(command: Command): Command {
  return command
    .option('--replace', 'remove the entries that the source does not have; default: keep them')
    .option('--dry-run', 'print what would change, and change nothing')
    .option('--verbose', 'with --dry-run, print each entry that would change')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print a summary as JSON')
}

/** What is restored, and into what. */
export interface RestoreJob {
  readonly to: BotConnection
  /** How messages name the source, such as `bot.jsonl`. */
  readonly source: string
  /** The number of entries, if it is known. */
  readonly total?: number | undefined
  readonly partsAfter: (after: string | null) => AsyncIterable<BackupPart>
  /** Reads all entries of the source, for a comparison. */
  readonly entries: () => AsyncIterable<BackupEntry>
  /** Asks before the first change. */
  readonly confirm: Confirm
  /** The file that remembers how much is done. */
  readonly statePath: string
  readonly identity: TransferIdentity
}

/** Returns the mode that the options name. */
export function modeOf({ replace }: RestoreFlags): RestoreMode {
  return replace ? 'replace' : 'merge'
}

/**
 * Shows what would change, asks, and restores; continues an earlier run of the same job.
 *
 * @returns the number of entries that were sent, by earlier runs too; `undefined` if nothing was to be done
 */
export async function runRestore(
  job: RestoreJob,
  flags: RestoreFlags,
  io: CommandIo,
): Promise<number | undefined> {
  if (flags.dryRun) {
    await unchanged(io.signal, () => printComparison(job, flags, io))
    return undefined
  }
  const mode = modeOf(flags)
  const state = await openStateFile(job.statePath, { ...job.identity, mode })
  if (state.isForeign) {
    io.stderr.write(`Ignored ${state.path}: it belongs to another transfer.\n`)
  }
  const isResumed = state.found.restore !== undefined
  if (isResumed) {
    io.stderr.write(
      `Continuing after ${formatCount(state.found.entries, 'entry')}, as ${state.path} says.\n`,
    )
  } else if (!flags.yes && !(await unchanged(io.signal, () => ask(job, flags, io)))) {
    return undefined
  }
  let { entries: done } = state.found
  let canSave = true
  const progress = startProgress(io, { label: 'Restoring', total: job.total, start: done })
  const describe = (error: unknown): string =>
    done === 0 && isRefusal(error)
      ? 'Nothing was changed.'
      : `${formatCount(done, 'entry')} of ${job.source} are written. Run the same command again to continue.`
  await resumable(io.signal, describe, async () => {
    try {
      await sendParts({
        connection: job.to,
        mode,
        signal: io.signal,
        from: state.found,
        partsAfter: job.partsAfter,
        async onProgress(reached) {
          done = reached.entries
          if (canSave) {
            await state.save(reached).catch(() => {
              // The files of a read-only folder can be restored too.
              canSave = false
              io.stderr.write(
                `${state.path} cannot be written: an interrupted run may start over.\n`,
              )
            })
          }
          progress.update(done)
        },
        onStartOver: () =>
          void io.stderr.write('The bot does not accept the earlier state; starting over.\n'),
      })
    } finally {
      progress.stop()
    }
  })
  await state.remove()
  return done
}

/** Whether a call was refused before its first write. Workers KV refuses a large entry during them. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof AdminError ? error.status : undefined
  return status !== undefined && [400, 401, 403, 404, 405, 409, 415].includes(status)
}

/** Runs what changes nothing. */
function unchanged<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  return resumable(signal, () => 'Nothing was changed.', run)
}

/** Compares the source with the storage. */
export function compareJob(
  { to, entries }: Pick<RestoreJob, 'to' | 'entries'>,
  mode: RestoreMode,
  { signal }: Pick<CommandIo, 'signal'>,
  onDifference?: Parameters<typeof compare>[0]['onDifference'],
): Promise<Comparison> {
  return compare({
    wanted: entries(),
    current: readRemoteEntries({ connection: to, signal }),
    mode,
    ...(onDifference && { onDifference }),
  })
}

async function printComparison(
  job: RestoreJob,
  { json, verbose, ...flags }: RestoreFlags,
  io: CommandIo,
): Promise<void> {
  const found = await compareJob(job, modeOf(flags), io, async (kind, { namespace, key }) => {
    if (!verbose) return
    const line = json
      ? toJsonText({ kind, namespace, key })
      : `${SIGNS[kind]} ${formatName(namespace)}  ${formatName(key)}`
    await printLines(io, [line])
  })
  const { namespaces, ...total } = found
  if (json) await printJson(io, { ...total, namespaces: Object.fromEntries(namespaces) })
  else await printLines(io, formatComparison(found))
}

/** Shows what would change, and resolves to whether to do it. */
async function ask(job: RestoreJob, flags: RestoreFlags, io: CommandIo): Promise<boolean> {
  const found = await compareJob(job, modeOf(flags), io)
  for (const line of formatComparison(found)) io.stderr.write(`${line}\n`)
  if (found.added + found.changed + found.removed === 0) {
    io.stderr.write('There is nothing to change.\n')
    return false
  }
  await job.confirm(`Change ${job.to.url}?`)
  return true
}
