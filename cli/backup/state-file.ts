import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { CliError, EXIT } from '../errors.ts'
import { PRIVATE_MODE } from './partial-file.ts'
import { NOT_STARTED, type RestoreProgress } from './transfer.ts'

/** What a transfer is: from where to where. A state file is only continued by the same one. */
export type TransferIdentity = Readonly<Record<string, string | null>>

/** The file with the state of a transfer, from its first part to its end. */
export interface StateFile {
  readonly path: string
  /** Where an earlier run stopped; {@link NOT_STARTED} if there was none. */
  readonly found: RestoreProgress
  /** Whether the file has the state of another transfer. */
  readonly isForeign: boolean
  save(progress: RestoreProgress): Promise<void>
  remove(): Promise<void>
}

/** Reads the state of a transfer. */
export async function openStateFile(path: string, identity: TransferIdentity): Promise<StateFile> {
  const text = await readIfExists(path)
  const found = text === undefined ? undefined : parseState(text, identity)
  return {
    path,
    found: found ?? NOT_STARTED,
    isForeign: text !== undefined && found === undefined,
    async save({ after, restore, entries }) {
      const state = JSON.stringify({ ...identity, after, restore, entries })
      // A rename is atomic: an interruption leaves the old state or the new one.
      try {
        await writeFile(`${path}.new`, `${state}\n`, { mode: PRIVATE_MODE })
        await rename(`${path}.new`, path)
      } catch (error) {
        await rm(`${path}.new`, { force: true })
        throw error
      }
    },
    remove: () => rm(path, { force: true }),
  }
}

async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new CliError(EXIT.failed, `${path} cannot be read (${code}).`, { cause })
  }
}

function parseState(text: string, identity: TransferIdentity): RestoreProgress | undefined {
  try {
    const given = JSON.parse(text) as Readonly<Record<string, unknown>>
    const { after, restore, entries } = given
    const isSame = Object.entries(identity).every(([name, value]) => given[name] === value)
    const isValid =
      (after === null || typeof after === 'string') &&
      typeof restore === 'string' &&
      typeof entries === 'number'
    return isSame && isValid ? { after, restore, entries } : undefined
  } catch {
    return undefined
  }
}
