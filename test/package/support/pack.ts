import { run } from './run.ts'

/** What `npm pack` made. */
export interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** Packs the package in a folder as npm would to publish it, into another. */
export async function pack(source: string, folder: string): Promise<Packed> {
  const options = ['--json', '--ignore-scripts', '--pack-destination', folder]
  const [packed] = JSON.parse(await run(source, 'npm', 'pack', ...options)) as Packed[]
  if (packed === undefined) throw new Error(`npm packed nothing in ${source}.`)
  return packed
}
