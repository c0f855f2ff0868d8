import { afterAll, beforeAll, expect, test } from 'vitest'
import { replayInMemory } from '../../scripts/replay/memory.ts'
import { replayThroughWorker } from '../../scripts/replay/worker.ts'
import { type Knowledge, formatKnowledge } from '../../worker/bot/knowledge.ts'
import { countByAwk, logEvents, LOGS } from './support/irc-logs.ts'
import { STARTS_WITHIN, STORAGES, TestServers, TOKEN } from './support/test-servers.ts'

const servers = new TestServers()
let worker: { url: string; token: string }

beforeAll(async () => {
  const { url } = await servers.start(await servers.folder(), TOKEN)
  worker = { url, token: TOKEN }
}, STARTS_WITHIN)

afterAll(() => servers.stop(), 20_000)

test.each(STORAGES)(
  'after one log and after both, what the bot stores on %s equals what awk counts',
  async (storage) => {
    let last: Knowledge | undefined
    for (const logs of [LOGS.slice(0, 1), LOGS]) {
      const events = logEvents(logs.at(-1) ?? '')
      const knowledge = await replayThroughWorker(events, '#ubuntu', worker, storage)
      const counted = countByAwk(...logs)
      expect(counted.length).toBeGreaterThan(250)
      expect(formatKnowledge(knowledge)).toEqual(counted)
      last = knowledge
    }
    // Every entry equals the one of a replay in memory.
    const all = LOGS.flatMap((log) => logEvents(log))
    const inMemory = await replayInMemory(all, '#ubuntu')
    expect(last).toEqual(inMemory)
    const karma = await fetch(new URL(`/admin/storage/Karma?storage=${storage}`, worker.url), {
      headers: { authorization: `Bearer ${TOKEN}` },
    })
    expect(await karma.json()).toEqual({ entries: {}, expires: {}, cursor: null })
  },
  STARTS_WITHIN,
)
