import type { Answer, Assignment } from './assignment.ts'
import type { Bindings, Contender } from './contender.ts'
import { contender as botshelfKV } from './contenders/botshelf-kv.ts'
import { contender as botshelfObject } from './contenders/botshelf-object.ts'
import { contender as kvBulk } from './contenders/kv-bulk.ts'
import { contender as kvEach } from './contenders/kv-each.ts'
import { contender as oneRpc } from './contenders/one-rpc.ts'
import { contender as rpcEach } from './contenders/rpc-each.ts'
import { contender as unstorage } from './contenders/unstorage.ts'
import { contender as unstorageItems } from './contenders/unstorage-items.ts'
import { counted } from './counted.ts'
import { INSIDE } from './host-object.ts'
import { perform } from './perform.ts'

export { StorageObject } from '../../adapters/storage-object.ts'
export { HandObject } from './hand-object.ts'
export { HostObject } from './host-object.ts'

const CONTENDERS: Readonly<Record<string, Contender>> = {
  'botshelf-kv': botshelfKV,
  'botshelf-object': botshelfObject,
  'kv-bulk': kvBulk,
  'kv-each': kvEach,
  'one-rpc': oneRpc,
  'rpc-each': rpcEach,
  unstorage,
  'unstorage-items': unstorageItems,
}

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    try {
      return Response.json(await answer(await request.json(), env))
    } catch (error) {
      return new Response(error instanceof Error ? error.message : String(error), { status: 500 })
    }
  },
}

async function answer(assignment: Assignment, env: Bindings): Promise<Answer> {
  const { contender: id, database, phase } = assignment
  if (INSIDE[id] !== undefined) {
    return env.HOST.getByName(`${database} ${id}`).perform(assignment)
  }
  const contender = CONTENDERS[id]
  if (contender === undefined) throw new RangeError(`There is no ${id}.`)
  if (phase !== 'verify') return perform(assignment, () => contender.open(env, database))
  const { bindings, take } = counted(env)
  return perform(assignment, () => contender.open(bindings, database), take)
}
