import { encode } from '../../src/codec.ts'
import { InvalidInputError, parseName, type StoredValue } from '../../src/backup/entry.ts'
import type { Contents } from '../../src/backup/target.ts'
import { quote } from '../../src/errors.ts'
import { cloneValue } from '../../src/value/copy-value.ts'
import { CliError, EXIT } from '../errors.ts'
import { type CommandIo, readText } from '../io.ts'
import {
  type ErrbotContents,
  readBackup,
  type ReadBackupOptions,
  readStorageGet,
} from './errbot-file.ts'
import { PythonLiteralError } from './scanner.ts'

/** The stores of Errbot itself: its plugins' settings and its repositories of plugins. */
const ERRBOT_NAMESPACES = ['core', 'repomgr']

/** Options of {@link readErrbotFile}. */
export interface ErrbotFileOptions extends ReadBackupOptions {
  /** The namespace of what `errbot --storage-get` printed. */
  readonly namespace?: string | undefined
}

/**
 * Reads a file of Errbot and encodes its values. Checks all of it.
 *
 * @param file a file name, or `-` for standard input
 * @throws CliError that names the line and the column, or the entry
 */
export async function readErrbotFile(
  file: string,
  io: CommandIo,
  { namespace, only, skip = [] }: ErrbotFileOptions,
): Promise<Contents> {
  const text = await readText(file, io)
  const isBackup = /^(?:\s|#.*)*(?:log|bot|pobj)\b/.test(text)
  try {
    if (namespace !== undefined) {
      if (!isBackup) return encodeContents(new Map([[namespace, readStorageGet(text)]]))
      throw new CliError(
        EXIT.usage,
        `${file} is a backup.py, which names its namespaces. Leave out --namespace; --only selects some of them.`,
      )
    }
    if (isBackup) {
      const skipped = only === undefined ? [...skip, ...ERRBOT_NAMESPACES] : skip
      const contents = readBackup(text, { only, skip: skipped })
      const missing = only?.find((name) => !contents.has(name))
      if (missing === undefined) return encodeContents(contents)
      throw new CliError(
        EXIT.notFound,
        `${file} has no entries of the namespace ${quote(missing)}. Correct --only.`,
      )
    }
  } catch (error) {
    if (!(error instanceof PythonLiteralError || error instanceof InvalidInputError)) throw error
    throw new CliError(EXIT.input, `${file}: ${error.message}`, { cause: error })
  }
  throw new CliError(
    EXIT.usage,
    `${file} is not a backup.py. For what errbot --storage-get prints, name the namespace with --namespace.`,
  )
}

/** @throws InvalidInputError for a name or a value that cannot be stored */
function encodeContents(contents: ErrbotContents): Contents {
  return new Map(
    [...contents].map(([namespace, entries]) => [namespace, encodeEntries(namespace, entries)]),
  )
}

function encodeEntries(
  namespace: string,
  entries: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, StoredValue> {
  return new Map(
    [...entries].map(([key, value]) => {
      try {
        parseName({ namespace, key })
        return [key, { value: encode(cloneValue(value)) }]
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        throw new InvalidInputError(`the entry ${quote(key)} of ${quote(namespace)}: ${reason}`, {
          cause,
        })
      }
    }),
  )
}
