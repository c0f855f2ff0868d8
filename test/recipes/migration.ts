import type { StandardSchema, StorageRuntime, Store } from 'botshelf'

type Karma = Record<string, { points: number; reasons: string[] }>

export async function openKarma(
  runtime: StorageRuntime,
  schema: StandardSchema<unknown, Karma['']>,
) {
  return runtime.open<Karma>('Karma', {
    schema,
    version: 2,
    // Until version 1, a value was the points alone.
    migrate: (value) => ({ points: value as number, reasons: [] }),
  })
}

export async function convertAll(karma: Store<Karma>) {
  for await (const key of karma.keys()) await karma.update(key, (value) => value)
}
