import { createHash } from 'node:crypto'
import type { Command } from 'commander'
import {
  compareJob,
  modeOf,
  type RestoreFlags,
  type RestoreJob,
  runRestore,
  withRestoreFlags,
} from '../backup/run-restore.ts'
import { readRemoteEntries, readRemoteParts, resumable } from '../backup/transfer.ts'
import { type BotConnection, type CopyEnd, readConnection } from '../connection.ts'
import { CliError, EXIT } from '../errors.ts'
import { secondsSince } from '../backup/progress.ts'
import { type CommandIo, printJson } from '../io.ts'
import { requireConfirmation } from '../confirm.ts'
import { formatCount } from '../text.ts'

interface CopyOptions extends RestoreFlags {
  readonly from: string
  readonly to: string
  readonly fromStorage?: string
  readonly toStorage?: string
  readonly fromTokenFile?: string
  readonly toTokenFile?: string
  readonly fromBasePath?: string
  readonly toBasePath?: string
  readonly state?: string
  readonly verify?: true
}

/** Adds `botshelf copy`. */
export function addCopyCommand(program: Command, io: CommandIo): void {
  const command = program
    .command('copy')
    .description('copy all entries of one storage to another one')
    .requiredOption('--from <url>', 'the URL of the bot to read')
    .requiredOption('--to <url>', 'the URL of the bot to change; it may be the same one')
    .option('--from-storage <name>', 'the storage to read; default: the one that the bot uses')
    .option('--to-storage <name>', 'the storage to change; default: the one that the bot uses')
    .option('--from-token-file <file>', 'default: $BOTSHELF_FROM_TOKEN or $BOTSHELF_TOKEN')
    .option('--to-token-file <file>', 'default: $BOTSHELF_TO_TOKEN or $BOTSHELF_TOKEN')
    .option('--from-base-path <path>', 'the path of its admin API', '/admin')
    .option('--to-base-path <path>', 'the path of its admin API', '/admin')
    .option('--verify', 'read both storages afterwards and compare them')
    .option('--state <file>', 'the file for the state; default: in the working directory')
  withRestoreFlags(command)
    .addHelpText(
      'after',
      `
After an interruption the same command continues, in the same directory.

Examples:
  $ botshelf copy --from https://old.example.com --to https://new.example.com --dry-run
  $ botshelf copy --from https://old.example.com --to https://new.example.com --replace --yes --verify
  $ botshelf copy --from http://localhost:8787 --from-storage DurableObject \\
      --to http://localhost:8787 --to-storage CloudflareKV`,
    )
    .action((options: CopyOptions) => copy(options, io))
}

async function copy(options: CopyOptions, io: CommandIo): Promise<void> {
  const from = await readEnd(options, 'from', io)
  const to = await readEnd(options, 'to', io)
  checkDistinct(from, to)
  const confirm = requireConfirmation(io, { yes: options.yes ?? options.dryRun })
  const startedAt = performance.now()
  const { signal } = io
  const identity = {
    from: from.url,
    fromBasePath: from.basePath,
    fromStorage: from.storage ?? null,
    to: to.url,
    toBasePath: to.basePath,
    toStorage: to.storage ?? null,
  }
  const job: RestoreJob = {
    confirm,
    to,
    source: from.url,
    partsAfter: (after) => readRemoteParts({ connection: from, after, signal }),
    entries: () => readRemoteEntries({ connection: from, signal }),
    statePath: options.state ?? defaultStatePath(identity),
    identity,
  }
  const entries = await runRestore(job, options, io)
  if (entries === undefined) return
  const isSame = options.verify ? await verify(job, options, io) : undefined
  if (options.json) {
    const summary = { from: from.url, to: to.url, mode: modeOf(options), entries }
    await printJson(io, { ...summary, seconds: secondsSince(startedAt), verified: isSame })
  } else {
    const verified = isSame ? ' Both were compared and have the same entries.' : ''
    io.stderr.write(
      `${formatCount(entries, 'entry')} of ${from.url} are copied to ${to.url}.${verified}\n`,
    )
  }
}

function readEnd(options: CopyOptions, end: CopyEnd, io: CommandIo): Promise<BotConnection> {
  const connection = {
    url: options[end],
    storage: options[`${end}Storage`],
    basePath: options[`${end}BasePath`],
    tokenFile: options[`${end}TokenFile`],
  }
  return readConnection(connection, io, end)
}

/** @throws CliError if both are, or may be, the same storage */
function checkDistinct(from: BotConnection, to: BotConnection): void {
  if (placeOf(from) !== placeOf(to)) return
  if (from.storage !== undefined && to.storage !== undefined && from.storage !== to.storage) return
  throw new CliError(
    EXIT.usage,
    from.storage === to.storage
      ? 'Both ends are the same storage. Name another one with --to or --to-storage.'
      : 'Both ends are the same bot: name both storages, with --from-storage and --to-storage.',
  )
}

/** Returns the host and the path of an admin API, the same for each way to write its URL. */
function placeOf({ url, basePath }: BotConnection): string {
  const { hostname, port, pathname } = new URL(basePath.replace(/^\//, './'), url)
  const host = hostname.replace(/\.$/, '')
  const isLoopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(host)
  return `${isLoopback ? 'localhost' : host}:${port}${pathname.replace(/\/$/, '')}`
}

function defaultStatePath(identity: Readonly<Record<string, string | null>>): string {
  const digest = createHash('sha256').update(JSON.stringify(identity)).digest('hex')
  return `botshelf-copy-${digest.slice(0, 12)}.json`
}

/** @throws CliError if the storages differ */
async function verify(job: RestoreJob, options: CopyOptions, io: CommandIo): Promise<true> {
  const found = await resumable(
    io.signal,
    () => 'The entries are copied, but were not compared.',
    () => compareJob(job, modeOf(options), io),
  )
  const { added, changed, removed } = found
  if (added + changed + removed === 0) return true
  throw new CliError(
    EXIT.failed,
    `All entries were copied, but the storages differ: ${added} are missing, ${changed} have another value, ${removed} are left over. Entries that are written meanwhile differ, and Workers KV may show old data for a minute: compare again with --dry-run.`,
  )
}
