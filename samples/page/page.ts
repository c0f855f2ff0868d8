// page.ts
import { StorageRuntime } from 'botshelf'
import { indexeddb } from 'botshelf/indexeddb'
import { memory } from 'botshelf/memory'

interface Core {
  configs: Record<string, { step: number }>
  bl_plugins: string[]
}

const config = { STORAGE: 'IndexedDB', STORAGE_CONFIG: { database: 'my-bot' } }
const runtime = await StorageRuntime.start(config, [indexeddb, memory], {
  onEvent: ({ type, namespace, reason }) => console.warn(type, namespace, reason),
})
const core = await runtime.open<Core>('core')
await core.set('configs', { Karma: { step: 1 } })
await core.mutable('bl_plugins', (names) => names.push('Todo'), []) // atomic, across tabs
await core.update('configs', (configs) => ({ ...configs, Seen: { step: 2 } }))
for await (const [key, value] of core) console.log(key, value)

for await (const { kind, key } of core.watch()) console.log(kind, key) // here and in other tabs
