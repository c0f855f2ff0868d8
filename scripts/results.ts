import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Where the commands that test for long keep what they found, for `npm run report:trust`. */
const FOLDER = new URL('../results/', import.meta.url)

/** Writes a result, with its date, in place of the earlier one of its name. */
export function writeResult(name: string, result: object): void {
  mkdirSync(FOLDER, { recursive: true })
  const text = JSON.stringify({ date: new Date().toISOString(), ...result }, undefined, 2)
  writeFileSync(new URL(`${name}.json`, FOLDER), `${text}\n`)
}

/** Reads the results whose names begin so; none if there are none. */
export function readResults<T>(prefix: string): T[] {
  let names: string[]
  try {
    names = readdirSync(FOLDER)
  } catch {
    return []
  }
  return names
    .filter((name) => name.startsWith(prefix))
    .toSorted()
    .map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as T)
}
