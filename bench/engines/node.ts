import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { asValue } from '../content.ts'
import { candidate as botshelf } from '../memory/candidates/botshelf.ts'
import { candidate as map } from '../memory/candidates/map.ts'
import { candidate as unstorage } from '../memory/candidates/unstorage.ts'
import type { Candidate } from '../memory/candidate.ts'
import { type Database, keyOf, setEach, Trial } from '../task.ts'
import type { Engine } from './engine.ts'

const CANDIDATES: Readonly<Record<string, Candidate>> = { botshelf, map, unstorage }

/** Memory, in this process. */
export async function startNode(): Promise<Engine> {
  const collect = garbageCollector()
  const trials = new Map<string, Trial>()
  return {
    async sample({ id, task }, name, round) {
      const of = `${id} ${name}`
      let trial = trials.get(of)
      if (trial === undefined) {
        const candidate = CANDIDATES[name]
        if (candidate === undefined) throw new RangeError(`There is no ${name}.`)
        const db = await candidate.open(id)
        trial = new Trial(db, task)
        trials.set(of, trial)
        await trial.fill((entries) => db.fill?.(entries) ?? setEach(db, entries))
        await checkIsolated(db, trial)
      }
      if (task.op === 'set') trial.freshen(round + 1)
      // What was thrown away before is not to be collected during what is timed.
      collect()
      const start = performance.now()
      const result = await trial.run()
      const ms = performance.now() - start
      if (task.op === 'get' || round === 0) await trial.verify(result)
      return { ms }
    },
    async stop() {},
  }
}

/** Who changes what he handed in, or what he was given, changes nothing that is stored. */
async function checkIsolated(db: Database, trial: Trial): Promise<void> {
  trial.freshen(1)
  const read = async (): Promise<{ karma: number }> => asValue(await db.get?.(keyOf(0)))
  const first = await read()
  const isCopied = first.karma === 0
  first.karma = 1
  const isGivenAsCopy = (await read()).karma === 0
  trial.freshen(0)
  if (!isCopied || !isGivenAsCopy) throw new Error('The values are not isolated.')
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
