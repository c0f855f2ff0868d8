import type {
  ChatClientPersistence,
  ChatPersistedState,
  ChatStorageAdapter,
} from '@tanstack/ai-client'
import type { AsyncStorage, PersistedQuery } from '@tanstack/query-persist-client-core'
import type { SessionDriver } from 'astro'
import type { Storage, WebStorage as ReduxWebStorage } from 'redux-persist'
import { expectTypeOf, test } from 'vitest'
import type { PersistStorage, StateStorage, StorageValue } from 'zustand/middleware'
import type { WebStorage, webStorage } from '../../../bridges/web-storage.ts'
import type { Store } from '../../../src/index.ts'

interface State {
  readonly since: Date
}

// `tsc -b` checks these. The test shows that the file is part of a project.
test('each library takes a storage of its values without a cast', () => {
  expectTypeOf<WebStorage<string>>().toExtend<StateStorage>()
  expectTypeOf<WebStorage<StorageValue<State>>>().toExtend<PersistStorage<State>>()
  expectTypeOf<WebStorage<string>>().toExtend<AsyncStorage>()
  expectTypeOf<WebStorage<PersistedQuery>>().toExtend<AsyncStorage<PersistedQuery>>()
  expectTypeOf<WebStorage<ChatPersistedState>>().toExtend<ChatClientPersistence>()
  expectTypeOf<WebStorage<ChatPersistedState>>().toExtend<ChatStorageAdapter<ChatPersistedState>>()
  expectTypeOf<WebStorage<string>>().toExtend<Storage>()
  expectTypeOf<WebStorage<string>>().toExtend<ReduxWebStorage>()
  expectTypeOf<WebStorage<string>>().toExtend<SessionDriver>()
  expectTypeOf<WebStorage<unknown>>().toExtend<SessionDriver>()
})

test('a storage of other values is a compile error', () => {
  expectTypeOf<WebStorage<number>>().not.toExtend<StateStorage>()
  expectTypeOf<WebStorage<unknown>>().not.toExtend<StateStorage>()
  expectTypeOf<WebStorage<string>>().not.toExtend<PersistStorage<State>>()
  expectTypeOf<WebStorage<unknown>>().not.toExtend<PersistStorage<State>>()
  expectTypeOf<WebStorage<unknown>>().not.toExtend<AsyncStorage>()
  expectTypeOf<WebStorage<unknown>>().not.toExtend<AsyncStorage<PersistedQuery>>()
  expectTypeOf<WebStorage<unknown>>().not.toExtend<ChatClientPersistence>()
})

test('the type of the values follows from the store', () => {
  expectTypeOf<typeof webStorage<string>>()
    .parameter(0)
    .toEqualTypeOf<Store<Record<string, string>>>()
  expectTypeOf<typeof webStorage<string>>().returns.toEqualTypeOf<WebStorage<string>>()
})
