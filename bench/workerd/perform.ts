import { FunctionTrial } from '../functions/function-trial.ts'
import { type Database, type Entries, setEach } from '../task.ts'
import { Trial } from '../trial.ts'
import type { Assignment, AssignmentResult } from './assignment.ts'
import type { Counts } from './count-calls.ts'

/** The trials of functions by candidate and task. Requests share them: a timed one creates no inputs. */
const functionTrials = new Map<string, FunctionTrial>()

/** Runs an assignment on the functions of a candidate. */
export function performFunctions({ candidate, task, phase, repeat }: Assignment): AssignmentResult {
  const key = `${candidate} ${JSON.stringify(task)}`
  const trial = functionTrials.get(key) ?? new FunctionTrial(candidate, task)
  functionTrials.set(key, trial)
  if (phase === 'verify') trial.verify(trial.run())
  else for (let n = 0; n < repeat; n++) trial.run()
  return {}
}

/**
 * Runs an assignment on a candidate.
 *
 * @param open opens the database; a task that measures opening calls it once per repetition
 * @param takeCounts returns the calls to the platform since it was called last
 */
export async function perform(
  { task, phase, repeat, seed }: Assignment,
  open: () => Promise<Database>,
  takeCounts: () => Counts = () => ({}),
): Promise<AssignmentResult> {
  if (task.op === 'open') {
    for (let n = 0; n < repeat; n++) await open()
    return { calls: takeCounts() }
  }
  const db = await open()
  const trial = new Trial(db, task)
  const isWrite = task.op === 'set'
  if (phase === 'fill') {
    const setEntries = (entries: Entries): Promise<void> => setEach(db, entries)
    await trial.fill((entries) => (db.fill ?? db.setAll ?? setEntries)(entries))
    return {}
  }
  if (phase === 'run') {
    for (let n = 0; n < repeat; n++) {
      if (isWrite) trial.setSeed(seed + n)
      await trial.run()
    }
    return {}
  }
  if (isWrite) trial.setSeed(seed)
  const before = task.op === 'update' ? await trial.countUpdates() : 0
  takeCounts()
  const result = await trial.run()
  const calls = takeCounts()
  await trial.verify(result)
  if (task.op !== 'update') return { calls }
  return { calls, lost: before + task.count - (await trial.countUpdates()) }
}
