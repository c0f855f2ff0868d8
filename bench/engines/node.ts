import { asValue } from '../content.ts'
import type { Candidate } from '../memory/candidate.ts'
import { candidate as botshelf } from '../memory/candidates/botshelf.ts'
import { candidate as map } from '../memory/candidates/map.ts'
import { candidate as unstorage } from '../memory/candidates/unstorage.ts'
import { type Database, keyOf, setEach } from '../task.ts'
import { Trial } from '../trial.ts'
import type { Engine } from './engine.ts'
import { exposeGarbageCollector } from './garbage-collector.ts'

const CANDIDATES: Readonly<Record<string, Candidate>> = { botshelf, map, unstorage }

/** Runs stores in memory, in this process. */
export async function startNode(): Promise<Engine> {
  const collectGarbage = exposeGarbageCollector()
  const trials = new Map<string, Trial>()
  return {
    async sample({ id, task }, name, round) {
      const key = `${id} ${name}`
      let trial = trials.get(key)
      if (trial === undefined) {
        const candidate = CANDIDATES[name]
        if (candidate === undefined) throw new RangeError(`Unknown candidate ${name}.`)
        const db = await candidate.open(id)
        trial = new Trial(db, task)
        trials.set(key, trial)
        await trial.fill((entries) => db.fill?.(entries) ?? setEach(db, entries))
        await assertCopies(db, trial)
      }
      if (task.op === 'set') trial.setSeed(round + 1)
      const before = task.op === 'update' ? await trial.countUpdates() : 0
      // Garbage of earlier samples must not be collected during this one.
      collectGarbage()
      const start = performance.now()
      const result = await trial.run()
      const ms = performance.now() - start
      if (task.op === 'get' || round === 0) await trial.verify(result)
      if (task.op !== 'update') return { ms }
      return { ms, lost: before + task.count - (await trial.countUpdates()) }
    },
    async stop() {},
  }
}

/** @throws Error if changing a value that was written or read changes the stored value */
async function assertCopies(db: Database, trial: Trial): Promise<void> {
  trial.setSeed(1)
  const read = async (): Promise<{ karma: number }> => asValue(await db.get?.(keyOf(0)))
  const first = await read()
  const isCopiedIn = first.karma === 0
  first.karma = 1
  const isCopiedOut = (await read()).karma === 0
  trial.setSeed(0)
  if (!isCopiedIn || !isCopiedOut)
    throw new Error('Expected a candidate that copies values; a change reached the stored value.')
}
