import { FUNCTION_CANDIDATES } from '../functions/candidates.ts'
import type { Assignment, AssignmentResult } from './assignment.ts'
import type { Bindings, Candidate } from './candidate.ts'
import { candidate as botshelfKV } from './candidates/botshelf-kv.ts'
import { candidate as botshelfObject } from './candidates/botshelf-object.ts'
import { candidate as kvBulk } from './candidates/kv-bulk.ts'
import { candidate as kvEach } from './candidates/kv-each.ts'
import { candidate as oneRpc } from './candidates/one-rpc.ts'
import { candidate as rpcEach } from './candidates/rpc-each.ts'
import { candidate as rpcSequence } from './candidates/rpc-sequence.ts'
import { candidate as unstorage } from './candidates/unstorage.ts'
import { candidate as unstorageItems } from './candidates/unstorage-items.ts'
import { runClient, runClients } from './clients.ts'
import { countCalls } from './count-calls.ts'
import { INSIDE_CANDIDATES } from './host-object.ts'
import { perform, performFunctions } from './perform.ts'

export { StorageObject } from '../../adapters/storage-object.ts'
export { BaselineObject } from './baseline-object.ts'
export { HostObject } from './host-object.ts'

const CANDIDATES: Readonly<Record<string, Candidate>> = {
  'botshelf-kv': botshelfKV,
  'botshelf-object': botshelfObject,
  'kv-bulk': kvBulk,
  'kv-each': kvEach,
  'one-rpc': oneRpc,
  'rpc-each': rpcEach,
  'rpc-sequence': rpcSequence,
  unstorage,
  'unstorage-items': unstorageItems,
}

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    try {
      return Response.json(await runAssignment(await request.json(), env))
    } catch (error) {
      return new Response(error instanceof Error ? error.message : String(error), { status: 500 })
    }
  },
}

async function runAssignment(assignment: Assignment, env: Bindings): Promise<AssignmentResult> {
  const { candidate: id, database, phase } = assignment
  if (FUNCTION_CANDIDATES[id] !== undefined) return performFunctions(assignment)
  if (INSIDE_CANDIDATES[id] !== undefined) {
    return env.HOST.getByName(`${database} ${id}`).perform(assignment)
  }
  const candidate = CANDIDATES[id]
  if (candidate === undefined) throw new RangeError(`Unknown candidate ${id}.`)
  if (phase === 'clients') return runClients(assignment, () => candidate.open(env, database), env)
  if (phase === 'client') {
    const { bindings, takeCounts } = countCalls(env, assignment.task.latencyMs)
    return runClient(assignment, await candidate.open(bindings, database), takeCounts)
  }
  if (phase !== 'verify') return perform(assignment, () => candidate.open(env, database))
  const { bindings, takeCounts } = countCalls(env)
  return perform(assignment, () => candidate.open(bindings, database), takeCounts)
}
