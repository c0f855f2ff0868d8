import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import type { AdminAccess } from '../../src/admin/index.ts'
import { type Knowledge, formatKnowledge } from '../../worker/bot/knowledge.ts'
import { runCommand } from '../command-line.ts'
import { freePort, startDevServer } from '../dev-server.ts'
import { readArguments, type ReplayOptions } from './arguments.ts'
import { replayInChromium } from './chromium.ts'
import { replayInMemory } from './memory.ts'
import { formatReport } from './report.ts'
import { replayThroughWorker } from './worker.ts'

const ROOM = '#ubuntu'
const EVENTS_PER_LINE = 250

/** Runs `npm run replay`. */
export function main(): Promise<void> {
  return runCommand(async () => {
    const replay = readArguments()
    const { log, storage, events } = replay
    const knowledge = await run(replay)
    if (replay.json) {
      const lines = formatKnowledge(knowledge)
      console.log(JSON.stringify({ log, storage, events: events.length, knowledge: lines }))
    } else {
      const temporary = replay.worker === undefined ? 'a temporary ' : ''
      console.log(
        `${log}: the bot replayed ${events.length} events, stored in ${temporary}${storage}.`,
      )
      console.log(formatReport(knowledge))
    }
  })
}

async function run({ storage, events, worker }: ReplayOptions): Promise<Knowledge> {
  const onProgress = (count: number): void => {
    if (count % EVENTS_PER_LINE === 0 || count === events.length) {
      printProgress(`replayed ${count} of ${events.length}`)
    }
  }
  if (storage === 'Memory') return replayInMemory(events, ROOM, onProgress)
  if (storage === 'IndexedDB') {
    printProgress('starting Chromium ...')
    return replayInChromium(events, ROOM, onProgress)
  }
  const replayOnWorker = (access: AdminAccess): Promise<Knowledge> =>
    replayThroughWorker(events, ROOM, access, storage, onProgress)
  return worker === undefined ? withServer(replayOnWorker) : replayOnWorker(worker)
}

/** Starts an empty server for this replay and removes its data afterwards. */
async function withServer<R>(use: (access: AdminAccess) => Promise<R>): Promise<R> {
  const state = await mkdtemp(join(tmpdir(), 'botshelf-replay-'))
  try {
    printProgress('starting a Worker ...')
    const token = randomBytes(24).toString('base64url')
    const port = await freePort()
    if (port === undefined) throw new Error('No port is free.')
    const server = await startDevServer({ port, token, state, onLine: printProgress })
    try {
      return await use({ url: server.url, token })
    } finally {
      await server.stop()
    }
  } finally {
    await rm(state, { recursive: true, force: true })
  }
}

function printProgress(line: string): void {
  process.stderr.write(`${line}\n`)
}
