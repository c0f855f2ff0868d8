// Gives each bridge's result to its framework. `types.e2e.test.ts` compiles it against the packed
// package and the frameworks, and never runs it. Every `@ts-expect-error` must suppress an error.

import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint'
import type { Session } from '@openai/agents'
import type { BetterAuthOptions } from 'better-auth'
import type { Store } from 'botshelf'
import { secondaryStorage } from 'botshelf/better-auth'
import { chatState } from 'botshelf/chat-sdk'
import { session, storageAdapter } from 'botshelf/grammy'
import { keyvStore } from 'botshelf/keyv'
import { CheckpointSaver } from 'botshelf/langgraph'
import { agentSession } from 'botshelf/openai-agents'
import { unstorageDriver } from 'botshelf/unstorage'
import { webStorage } from 'botshelf/web-storage'
import type { StateAdapter } from 'chat'
import type { Context, MiddlewareFn, SessionFlavor, StorageAdapter } from 'grammy'
import type { KeyvStorageAdapter } from 'keyv'
import type { Driver } from 'unstorage'
import type { Driver as Driver2 } from 'unstorage-2'
import type { PersistStorage, StateStorage, StorageValue } from 'zustand/middleware'

export function useBetterAuth(store: Store, opening: Promise<Store>): BetterAuthOptions {
  // @ts-expect-error -- the promise of a store
  secondaryStorage(opening)
  return { secondaryStorage: secondaryStorage(store) }
}

export function useChat(store: Store): StateAdapter {
  // @ts-expect-error -- no such option
  chatState(store, { openThread: async () => store })
  return chatState(store, { openThreadStore: async () => store })
}

interface Counter {
  count: number
}

export function useGrammy(
  store: Store<Record<string, Counter>>,
): [StorageAdapter<Counter>, MiddlewareFn<Context & SessionFlavor<Counter>>] {
  // @ts-expect-error -- the session of another store
  session({ store, initial: () => ({ counts: 0 }) })
  return [storageAdapter(store), session({ store, initial: () => ({ count: 0 }) })]
}

export const useUnstorage = (store: Store): [Driver & Driver2, Driver & Driver2] => [
  unstorageDriver(store),
  unstorageDriver(async () => store),
]

export const useKeyv = (store: Store): KeyvStorageAdapter => keyvStore(store)

export const useZustand = (
  texts: Store<Record<string, string>>,
  values: Store<Record<string, StorageValue<Counter>>>,
): [StateStorage, PersistStorage<Counter>] => [webStorage(texts), webStorage(values)]

export const useAgents = (store: Store): Session => agentSession(store, 'conversation')

export const useLanggraph = (store: Store): BaseCheckpointSaver => new CheckpointSaver(store)
