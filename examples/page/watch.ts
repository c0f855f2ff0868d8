// watch.ts
import { StorageRuntime } from 'botshelf'
import { indexeddb } from 'botshelf/indexeddb'
import { live } from 'botshelf/live'

const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: 'my-bot' } }
const runtime = await StorageRuntime.start(config, [indexeddb])
const visits = await runtime.open<Record<string, number>>('visits')

live(visits).subscribe(({ entries, isLoaded }) => {
  if (!isLoaded) return
  const count = new Map<string, number>(entries).get('home') ?? 0
  document.body.textContent = `Visits so far: ${count}`
})
