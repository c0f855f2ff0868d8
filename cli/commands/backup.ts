import { createHash } from 'node:crypto'
import type { Command } from 'commander'
import { formatEntry } from '../../src/backup/entry.ts'
import { type BackupHeader, formatFooter, formatHeader } from '../../src/backup/lines.ts'
import { exists, openPartialBackup, type PartialBackup } from '../backup/partial-file.ts'
import { secondsSince, startProgress } from '../backup/progress.ts'
import { readRemoteParts, resumable } from '../backup/transfer.ts'
import {
  type BotConnection,
  type ConnectionOptions,
  readConnection,
  withConnectionOptions,
} from '../connection.ts'
import { CliError, EXIT } from '../errors.ts'
import { type CommandIo, printJson, printLines } from '../io.ts'
import { remoteSource } from '../source/remote-source.ts'
import { escapeControls, formatCount } from '../text.ts'

interface BackupOptions extends ConnectionOptions {
  readonly force?: true
  readonly json?: true
}

/** Adds `botshelf backup`. */
export function addBackupCommand(program: Command, io: CommandIo): void {
  withConnectionOptions(program.command('backup'))
    .description('write all entries of a storage to a file')
    .argument('[file]', 'the file; one that ends with .gz is compressed; default: standard output')
    .option('--force', 'overwrite the file if it exists')
    .option('--json', 'print a summary as JSON; needs a file')
    .addHelpText(
      'after',
      `
After an interruption the same command continues: the entries so far are in FILE.partial.

Examples:
  $ botshelf backup bot.jsonl --url https://bot.example.com
  $ botshelf backup bot.jsonl.gz --storage CloudflareKV
  $ botshelf backup | grep Karma`,
    )
    .action(async (file: string | undefined, options: BackupOptions) => {
      const connection = await readConnection(options, io)
      if (file === undefined || file === '-') {
        if (options.json) throw new CliError(EXIT.usage, '--json needs a file to write to.')
        await resumable(
          io.signal,
          () => 'The output is incomplete.',
          () => printBackup(connection, io),
        )
        return
      }
      if (!options.force && (await exists(file))) {
        throw new CliError(
          EXIT.usage,
          `${file} exists. Choose another file name, or add --force to overwrite it.`,
        )
      }
      await writeBackup(connection, io, { file, json: options.json })
    })
}

function headerOf({ url: root, storage, basePath }: BotConnection): BackupHeader {
  // Bots at the same URL differ in their base path.
  const url = basePath === '/admin' ? root : new URL(`.${basePath}`, root).href
  return { at: new Date().toISOString(), storage: storage ?? 'default', url }
}

async function printBackup(connection: BotConnection, io: CommandIo): Promise<void> {
  const hash = createHash('sha256')
  let entries = 0
  const print = async (given: readonly string[]): Promise<void> => {
    // The escapes are JSON, so a copy of the text from a terminal is a backup too.
    const lines = io.stdout.isTTY ? given.map(escapeControls) : given
    for (const line of lines) hash.update(`${line}\n`)
    await printLines(io, lines)
  }
  await print([formatHeader(headerOf(connection))])
  for await (const part of readRemoteParts({ connection, signal: io.signal })) {
    await print(part.entries.map(formatEntry))
    entries += part.entries.length
  }
  await printLines(io, [formatFooter({ entries, sha256: hash.digest('hex') })])
}

interface WriteOptions {
  readonly file: string
  readonly json: true | undefined
}

async function writeBackup(
  connection: BotConnection,
  io: CommandIo,
  { file, json }: WriteOptions,
): Promise<void> {
  const startedAt = performance.now()
  const partial = await openPartialBackup(file, headerOf(connection))
  const { resumedSize } = partial
  if (resumedSize > 0) {
    io.stderr.write(
      `Continuing the backup of ${escapeControls(partial.header.at)}: ${partial.path} has ${formatCount(resumedSize, 'entry')}.\n`,
    )
  }
  const describe = (): string =>
    partial.size === 0
      ? 'Nothing was written.'
      : `${partial.path} has ${formatCount(partial.size, 'entry')}. Run the same command again to continue.`
  await resumable(io.signal, describe, async () => {
    try {
      await readInto(partial, connection, io)
    } catch (error) {
      await partial.close()
      throw error
    }
    await partial.finish()
  })
  if (json) {
    const summary = { file, url: connection.url, entries: partial.size, resumed: resumedSize }
    await printJson(io, { ...summary, seconds: secondsSince(startedAt) })
    return
  }
  io.stderr.write(`${formatCount(partial.size, 'entry')} of ${connection.url} are in ${file}.\n`)
}

async function readInto(
  partial: PartialBackup,
  connection: BotConnection,
  io: CommandIo,
): Promise<void> {
  // Counting costs the bot a listing of every namespace, so only a bar asks for it.
  const total = io.stderr.isTTY ? await countAll(connection, io) : undefined
  const { resumedSize: start, after } = partial
  const progress = startProgress(io, { label: 'Backing up', total, start })
  try {
    for await (const part of readRemoteParts({ connection, after, signal: io.signal })) {
      await partial.append(part.entries)
      progress.update(partial.size)
    }
  } finally {
    progress.stop()
  }
}

/** Resolves to the number of all entries, including those that a backup omits. */
async function countAll(connection: BotConnection, io: CommandIo): Promise<number> {
  const sizes = await remoteSource(connection, io).sizes()
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}
