import { isStoreError } from '../../src/index.ts'
import { addOne, type Database, keyOf, required, type Sample, type Task } from '../task.ts'
import { asValue } from '../content.ts'
import type { Assignment, AssignmentResult } from './assignment.ts'
import type { Bindings } from './candidate.ts'
import type { Counts } from './count-calls.ts'

/** What a client of `increment` adds to. */
const COUNTER = 'counter'

/**
 * Lets as many clients as the task has operations run one each, all at once. Each is a request of
 * its own. A candidate with `callInSequence` has one client, which makes two calls more: with them
 * clients find out that they must take turns.
 *
 * @param open opens the database, without latency
 */
export async function runClients(
  assignment: Assignment,
  open: () => Promise<Database>,
  { SELF }: Bindings,
): Promise<Sample> {
  const { task } = assignment
  const db = await open()
  const clients = db.callInSequence === undefined ? task.count : 1
  const before = await readCount(db, task)
  const body = JSON.stringify({ ...assignment, phase: 'client' } satisfies Assignment)
  const start = performance.now()
  const results = await Promise.all(
    Array.from({ length: clients }, async () => {
      const response = await SELF.fetch('http://bench/', { method: 'POST', body })
      if (!response.ok) throw new Error(await response.text())
      return response.json<AssignmentResult>()
    }),
  )
  const ms = performance.now() - start
  const calls = results.map((result) => result.calls?.['RPC'] ?? 0)
  const sum = calls.reduce((total, count) => total + count, 0)
  const conflicts = results.reduce((total, result) => total + (result.conflicts ?? 0), 0)
  const applied = task.count - conflicts
  return {
    ms,
    calls: { RPCs: sum },
    ...(clients > 1 && { callsPerClient: { max: Math.max(...calls), mean: sum / clients } }),
    ...(db.callInSequence === undefined && {
      conflicts,
      lost: before + applied - (await readCount(db, task)),
    }),
  }
}

/** Runs one operation of a task, as a request does. */
export async function runClient(
  { task }: Assignment,
  db: Database,
  takeCounts: () => Counts,
): Promise<AssignmentResult> {
  let conflicts = 0
  try {
    if (db.callInSequence) await db.callInSequence(task.count + 2)
    else if (task.op === 'increment') await required(db.increment)(COUNTER)
    else await required(db.update)(keyOf(0), addOne)
  } catch (error) {
    if (!isStoreError(error) || error.code !== 'CONFLICT') throw error
    conflicts++
  }
  return { calls: takeCounts(), conflicts }
}

async function readCount(db: Database, { op }: Task): Promise<number> {
  if (db.get === undefined) return 0
  if (op === 'increment') return ((await db.get(COUNTER)) as number | undefined) ?? 0
  return asValue(await db.get(keyOf(0))).karma
}
