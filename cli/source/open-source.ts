import { type ConnectionOptions, readConnection } from '../connection.ts'
import { CliError, EXIT } from '../errors.ts'
import type { CommandIo } from '../io.ts'
import { remoteSource } from './remote-source.ts'
import type { StorageSource } from './source.ts'

/** The options that name what a command reads and changes. */
export interface SourceOptions extends ConnectionOptions {
  /** A backup file instead of a bot. */
  readonly file?: string | undefined
}

/** Opens what the options name. */
export async function openSource(options: SourceOptions, io: CommandIo): Promise<StorageSource> {
  if (options.file !== undefined) throw new CliError(EXIT.usage, '--file is not implemented.')
  return remoteSource(await readConnection(options, io))
}
