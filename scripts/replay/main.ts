import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import type { AdminAccess } from '../../src/admin/index.ts'
import { type Knowledge, knowledgeLines } from '../../worker/bot/knowledge.ts'
import { runCommand } from '../command-line.ts'
import { freePort, startDevServer } from '../dev-server.ts'
import { readArguments, type Replay } from './arguments.ts'
import { replayInChromium } from './chromium.ts'
import { replayInMemory } from './memory.ts'
import { report } from './report.ts'
import { replayThroughWorker } from './worker.ts'

const ROOM = '#ubuntu'
const STEP = 250

/** Replays what the command line says. */
export function main(): Promise<void> {
  return runCommand(async () => {
    const replay = readArguments()
    const { log, storage, events } = replay
    const knowledge = await run(replay)
    if (replay.json) {
      const lines = knowledgeLines(knowledge)
      console.log(JSON.stringify({ log, storage, events: events.length, knowledge: lines }))
    } else {
      const kept = replay.worker === undefined ? 'a throw-away ' : ''
      console.log(`${log}: the bot heard ${events.length} events, kept in ${kept}${storage}.`)
      console.log(report(knowledge))
    }
  })
}

async function run({ storage, events, worker }: Replay): Promise<Knowledge> {
  const onHeard = (count: number): void => {
    if (count % STEP === 0 || count === events.length) {
      progress(`heard ${count} of ${events.length}`)
    }
  }
  if (storage === 'Memory') return replayInMemory(events, ROOM, onHeard)
  if (storage === 'IndexedDB') {
    progress('starting Chromium ...')
    return replayInChromium(events, ROOM, onHeard)
  }
  const through = (access: AdminAccess): Promise<Knowledge> =>
    replayThroughWorker(events, ROOM, access, storage, onHeard)
  return worker === undefined ? withServer(through) : through(worker)
}

/** A server for this replay alone, with nothing in it, that leaves nothing behind. */
async function withServer<R>(use: (access: AdminAccess) => Promise<R>): Promise<R> {
  const state = await mkdtemp(join(tmpdir(), 'botshelf-replay-'))
  try {
    progress('starting a Worker ...')
    const token = randomBytes(24).toString('base64url')
    const port = await freePort()
    if (port === undefined) throw new Error('No port is free.')
    const server = await startDevServer({ port, token, state, onLine: progress })
    try {
      return await use({ url: server.url, token })
    } finally {
      await server.stop()
    }
  } finally {
    await rm(state, { recursive: true, force: true })
  }
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`)
}
