import type { AgentInputItem, SessionHistoryTransactionAwareSession } from '@openai/agents'
import { checkKey } from '../src/key.ts'
import type { Store } from '../src/store.ts'
import { checkStore } from './check-store.ts'
import {
  check,
  checkSuffix,
  copyItems,
  isId,
  readTransaction,
} from './openai-agents/transaction.ts'

/** What {@link agentSession} creates: a session with two methods that upstream's type has as options. */
export type AgentSession = SessionHistoryTransactionAwareSession &
  Required<Pick<SessionHistoryTransactionAwareSession, 'replaceHistoryWithCompaction'>>

const DIGITS = 16

/** Formats a number so that the order of texts is that of numbers. */
function pad(index: number): string {
  return `${index}`.padStart(DIGITS, '0')
}

/**
 * Creates a session of the OpenAI Agents SDK: the history of a conversation, with a key for each
 * item. The items of one `addItems` stay together, and `popItem` returns each item to one caller.
 * `applyHistoryTransaction` and `replaceHistoryWithCompaction` are atomic.
 *
 * @param store may hold other sessions, and nothing else
 * @throws StoreError `NOT_ATOMIC` if the store's backend has no atomic steps; `INVALID_VALUE` if it
 * is no store, or the identifier is no text or blank; `INVALID_KEY` if it is too long for a key. The
 * methods reject with the store's errors, with `INVALID_VALUE` for items that are no list of objects,
 * an invalid transaction or the identifier of another one, and with `CONFLICT` if the history has
 * another end than a transaction expects.
 *
 * @see https://openai.github.io/openai-agents-js/guides/sessions/
 *
 * @example
 * const session = agentSession(await runtime.open('sessions'), 'user-7')
 * await run(agent, 'Hello', { session })
 */
export function agentSession(store: Store, sessionId: string): AgentSession {
  const { namespace, traits } = checkStore(store, { caller: 'agentSession' })
  check(isId(sessionId), 'sessionId must be text that is not blank', sessionId, namespace)
  const id = sessionId.replaceAll(/[%/]/g, encodeURIComponent)
  const prefix = `session/${id}/`
  const itemPrefix = `${prefix}item/`
  const longestKey = `${prefix}operation/${'0'.repeat(64)}`
  checkKey(longestKey, traits.maxKeyBytes, 'A key of the session', namespace)
  const items = store as Store<Record<string, AgentInputItem>>
  const counters = store as Store<Record<string, number>>
  // Outside the prefix: clearSession() keeps it, so that no index is used twice.
  const counter = `next/${id}`
  // Has the index of the latest addition, and is written in one step with its items.
  const end = `${prefix}end`

  /** Lists items, the newest first. */
  const listNewest = (limit = Infinity): AsyncGenerator<[string, AgentInputItem]> =>
    items.entries({
      prefix: itemPrefix,
      reverse: true,
      limit: limit === Infinity ? undefined : limit,
    })

  /** Gives new items their keys, after all others or in the place of those that they replace. */
  async function assignKeys(
    added: readonly AgentInputItem[],
    [replaced]: readonly string[] = [],
  ): Promise<Map<string, unknown>> {
    const count = added.length
    if (count === 0) return new Map()
    const start = (await counters.increment(counter, count)) - count
    // "5/8" comes after "5" and before "6". What is replaced again stays below the same index.
    const place =
      replaced === undefined ? itemPrefix : `${replaced.slice(0, itemPrefix.length + DIGITS)}/`
    return new Map<string, unknown>([
      [end, start],
      ...added.map((item, index) => [place + pad(start + index), item] as const),
    ])
  }

  return {
    getSessionId: async () => sessionId,
    getItems: async (limit) => {
      if (limit !== undefined && limit <= 0) return []
      const found: AgentInputItem[] = []
      for await (const [, item] of listNewest(limit)) found.push(item)
      return found.toReversed()
    },
    addItems: async (added) => {
      await store.setMany(await assignKeys(copyItems(added, 'items', namespace)))
    },
    popItem: async () => {
      for (;;) {
        let key: string | undefined
        for await (const [last] of listNewest(1)) key = last
        if (key === undefined) return undefined
        const item = await items.pop(key)
        // Otherwise another client took it first.
        if (item !== undefined) return item
      }
    },
    clearSession: async () => items.clear({ prefix }),
    replaceHistoryWithCompaction: async (compacted) => {
      const history = copyItems(compacted, 'items', namespace)
      for (let isReplaced = false; !isReplaced;) {
        const removed: string[] = []
        for await (const key of items.keys({ prefix: itemPrefix })) removed.push(key)
        const added = await assignKeys(history, removed)
        if (removed.length + added.size === 0) return
        isReplaced = await store.transaction([...removed, ...added.keys()], (tx) => {
          // If another client has removed an item meanwhile, the loop lists the items again.
          if (!removed.every((key) => tx.has(key))) return false
          for (const key of removed) tx.delete(key)
          for (const [key, item] of added) tx.set(key, item)
          return true
        })
      }
    },
    applyHistoryTransaction: async (args) => {
      const { operation, digest, expected, added } = await readTransaction(args, namespace)
      const record = `${prefix}operation/${operation}`
      for (let isSettled = false; !isSettled;) {
        const removed: string[] = []
        const last = expected.length === 0 ? undefined : await store.get(end)
        if (expected.length > 0) {
          for await (const [key] of listNewest(expected.length)) removed.unshift(key)
        }
        const replacement = await assignKeys(added, removed)
        const keys = [record, end, ...removed, ...replacement.keys()]
        isSettled = await store.transaction(keys, (tx) => {
          const applied = tx.get(record)
          if (applied === digest) return true
          const { operationId } = args
          const isNew = applied === undefined
          check(isNew, 'operationId must be new for another transaction', operationId, namespace)
          // If another client has added items meanwhile, the loop lists the newest again.
          if (expected.length > 0 && tx.get(end) !== last) return false
          const found = removed.map((key) => tx.get(key) ?? null)
          checkSuffix(found, expected, namespace)
          for (const key of removed) tx.delete(key)
          for (const [key, value] of replacement) tx.set(key, value)
          tx.set(record, digest)
          return true
        })
      }
    },
  }
}
