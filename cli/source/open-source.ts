import type { Command } from 'commander'
import { Option } from 'commander'
import { type ConnectionOptions, readConnection, withConnectionOptions } from '../connection.ts'
import type { CommandIo } from '../io.ts'
import { fileSource } from './file-source.ts'
import { remoteSource } from './remote-source.ts'
import type { StorageSource } from './source.ts'

/** The options that name what a command reads and changes. */
export interface SourceOptions extends ConnectionOptions {
  /** A backup file instead of a bot. */
  readonly file?: string | undefined
}

/** Adds the options of {@link SourceOptions} to a command. */
export function withSourceOptions(command: Command): Command {
  return withConnectionOptions(command).addOption(
    new Option('--file <backup>', 'a backup file instead of a bot, also compressed (.gz)')
      .conflicts(['url', 'storage', 'tokenFile'])
      .helpGroup('Where:'),
  )
}

/** Opens what the options name. */
export async function openSource(options: SourceOptions, io: CommandIo): Promise<StorageSource> {
  if (options.file !== undefined) return fileSource(options.file)
  return remoteSource(await readConnection(options, io), io)
}
