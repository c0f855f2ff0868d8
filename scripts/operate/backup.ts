import process from 'node:process'
import { parseArgs } from 'node:util'
import { writeBackup } from '../../src/backup/file.ts'
import { readAll } from '../../src/backup/target.ts'
import { orUsageError, runCommand } from '../command-line.ts'
import { findPlace } from './edge.ts'

/** `npm run backup`. */
export function backup(): Promise<void> {
  return runCommand(async () => {
    const { values } = orUsageError(() =>
      parseArgs({ options: { url: { type: 'string' }, storage: { type: 'string' } } }),
    )
    const { place, storage } = await findPlace(values.url, values.storage)
    const contents = await readAll(place)
    const entries = [...contents.values()].reduce((sum, { size }) => sum + size, 0)
    process.stdout.write(writeBackup({ at: new Date().toISOString(), storage, contents }))
    console.error(`${entries} entries of ${storage}.`)
  })
}
