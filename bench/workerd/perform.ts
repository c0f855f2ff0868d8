import { type Database, type Pairs, setEach, Trial } from '../task.ts'
import type { Answer, Assignment } from './assignment.ts'
import type { Counts } from './count-calls.ts'

/**
 * Does what is asked for on a candidate. `open` is called again where opening is what is measured;
 * `take` gives what was counted since it was called last.
 */
export async function perform(
  { task, phase, repeat, seed }: Assignment,
  open: () => Promise<Database>,
  take: () => Counts = () => ({}),
): Promise<Answer> {
  if (task.op === 'open') {
    for (let n = 0; n < repeat; n++) await open()
    return { calls: take() }
  }
  const db = await open()
  const trial = new Trial(db, task)
  const writes = task.op === 'set'
  if (phase === 'fill') {
    const setPlainly = (entries: Pairs): Promise<void> => setEach(db, entries)
    await trial.fill((entries) => (db.fill ?? db.setAll ?? setPlainly)(entries))
    return {}
  }
  if (phase === 'run') {
    for (let n = 0; n < repeat; n++) {
      if (writes) trial.freshen(seed + n)
      await trial.run()
    }
    return {}
  }
  if (writes) trial.freshen(seed)
  const before = task.op === 'update' ? await trial.total() : 0
  take()
  const result = await trial.run()
  const calls = take()
  await trial.verify(result)
  if (task.op !== 'update') return { calls }
  return { calls, lost: before + task.count - (await trial.total()) }
}
