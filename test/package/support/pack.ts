import { run } from './run.ts'

/** The result of `npm pack`. */
export interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** Packs the package in `source` as npm would publish it, and writes the tarball to `folder`. */
export async function pack(source: string, folder: string): Promise<Packed> {
  const options = ['--json', '--ignore-scripts', '--pack-destination', folder]
  // In the folder of the package, npm would obey its `devEngines`.
  const [packed] = JSON.parse(await run(folder, 'npm', 'pack', source, ...options)) as Packed[]
  if (packed === undefined) throw new Error(`npm pack made no tarball in ${source}.`)
  return packed
}
