// page.ts
import { StorageRuntime } from 'botshelf'
import { indexeddb } from 'botshelf/indexeddb'

const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: 'my-bot' } }
const runtime = await StorageRuntime.start(config, [indexeddb])
const visits = await runtime.open<Record<string, number>>('visits')

const count = await visits.increment('home') // one atomic step, across tabs
document.body.textContent = `Visit ${count}`
await runtime.close()
