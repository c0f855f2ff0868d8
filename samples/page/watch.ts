// watch.ts
import { StorageRuntime } from 'botshelf'
import { indexeddb } from 'botshelf/indexeddb'

const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: 'my-bot' } }
const runtime = await StorageRuntime.start(config, [indexeddb])
const visits = await runtime.open<Record<string, number>>('visits')

const changes = visits.watch() // watch before the first read, so that no change is missed
await show()
for await (const { kind, key } of changes) {
  console.log(kind, key ?? '')
  await show()
}

async function show(): Promise<void> {
  document.body.textContent = `Visits so far: ${(await visits.get('home')) ?? 0}`
}
