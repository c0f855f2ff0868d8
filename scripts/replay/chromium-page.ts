import { indexeddb } from '../../adapters/indexeddb.ts'
import { StorageRuntime } from '../../src/index.ts'
import type { LogEvent } from '../../worker/bot/irc-log.ts'
import { replayOn } from './replay-on.ts'
import type { PageKnowledge } from './chromium.ts'

declare global {
  var replay: (events: readonly LogEvent[], room: string) => Promise<PageKnowledge>
  var onProgress: (count: number) => void
}

// A Map cannot leave the page, so its entries are returned as lists.
globalThis.replay = async (events, room) => {
  await using runtime = await StorageRuntime.start({ STORAGE: 'IndexedDB' }, [indexeddb])
  const { factoids, seen } = await replayOn(runtime, 'IndexedDB', events, room, (count) => {
    if (count % 50 === 0 || count === events.length) globalThis.onProgress(count)
  })
  return { factoids: [...factoids], seen: [...seen] }
}
