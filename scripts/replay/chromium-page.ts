import { indexeddb } from '../../adapters/indexeddb.ts'
import { StorageRuntime } from '../../src/index.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import { hear } from './hear.ts'
import type { PageKnowledge } from './chromium.ts'

declare global {
  var replay: (events: readonly LogEvent[], room: string) => Promise<PageKnowledge>
  var onHeard: (count: number) => void
}

// What a page can hand out is lists; a map of its own it cannot.
globalThis.replay = async (events, room) => {
  await using runtime = await StorageRuntime.start({ STORAGE: 'IndexedDB' }, [indexeddb])
  const { factoids, seen } = await hear(runtime, 'IndexedDB', events, room, (count) => {
    if (count % 50 === 0 || count === events.length) globalThis.onHeard(count)
  })
  return { factoids: [...factoids], seen: [...seen] }
}
