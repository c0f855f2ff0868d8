import type { StandardSchema, StorageRuntime, Store } from 'botshelf'

type Karma = { points: number; reasons: string[] }

export async function openKarma(runtime: StorageRuntime, schema: StandardSchema<unknown, Karma>) {
  return runtime.open<Record<string, Karma>>('Karma', {
    schema,
    version: 2,
    // Until version 1, a value was the points alone.
    migrate: (value) => ({ points: value as number, reasons: [] }),
  })
}

export async function convertAll(karma: Store<Record<string, Karma>>) {
  for await (const key of karma.keys()) await karma.update(key, (value) => value)
}
