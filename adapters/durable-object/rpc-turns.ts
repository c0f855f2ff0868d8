import { noop } from '../../src/async.ts'
import type { Entry } from '../../src/entry.ts'
import type { Turn, Turns } from '../../src/turns.ts'
import { MAX_LEASE_MS, type RpcReply, type RpcRequest } from './protocol.ts'
import { decodeEntries } from './tuples.ts'

/** The shortest lease, in milliseconds. A shorter one would end on the way. */
const MIN_LEASE_MS = 1000

type Call = (request: RpcRequest) => Promise<RpcReply>

/** Requests turns from an object, which orders all its clients. */
export class RpcTurns implements Turns {
  /** Only the object knows who waits. A conditional write is a conflict while another has the turn. */
  readonly hasContention = false
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  isContended(): boolean {
    return false
  }

  /** Never rejects: a turn that the object cannot grant orders nothing, and the client goes on. */
  async request(keys: readonly string[], leaseMs: number): Promise<RpcTurn> {
    const lease = Math.min(Math.max(leaseMs, MIN_LEASE_MS), MAX_LEASE_MS)
    let id: string | undefined
    try {
      // Throws in the global scope of a Worker.
      id = crypto.randomUUID()
      const { turn, entries } = await this.#call({ type: 'turn', keys, leaseMs: lease, id })
      // An object sends the first entries only, if its reply would be too large.
      const isComplete = entries?.versions.length === keys.length
      const found = isComplete ? decodeEntries(keys, entries) : undefined
      return new RpcTurn(this.#call, lease, turn, found)
    } catch {
      // The turn may be granted, and only the reply lost.
      if (id !== undefined) this.#call({ type: 'release', turn: id }).catch(noop)
      return new RpcTurn(this.#call, lease)
    }
  }
}

/** A turn that an object has granted. */
export class RpcTurn implements Turn {
  readonly entries?: ReadonlyMap<string, Entry>
  readonly #call: Call
  readonly #leaseEnd: number
  #id: string | undefined
  #endedAt: number | undefined

  /** @param id absent if the object granted no turn */
  constructor(call: Call, leaseMs: number, id?: string, entries?: ReadonlyMap<string, Entry>) {
    this.#call = call
    this.#leaseEnd = Date.now() + leaseMs
    this.#id = id
    if (entries) this.entries = entries
  }

  get hasLapsed(): boolean {
    return (this.#endedAt ?? Date.now()) >= this.#leaseEnd
  }

  /** The id of the turn, unless it was released. */
  get id(): string | undefined {
    return this.#id
  }

  release(): void {
    const turn = this.#id
    if (turn !== undefined) this.#call({ type: 'release', turn }).catch(noop)
    this.end()
  }

  /** Marks the turn as released by a write that the object has answered. */
  end(): void {
    this.#id = undefined
    this.#endedAt ??= Date.now()
  }
}
