export { BatchStorageBase } from './batch-storage.js'
export type { SetOptions } from './given.js'
export type { BotConfig, ConfigField, ConfigFields, StorageConfig } from './config.js'
export { isStoreError, StoreError } from './errors.js'
export type { StoreErrorCode, StoreErrorDetails, WriteOutcome } from './errors.js'
export type { Manifest, StoragePluginClass, StorageRegistry } from './registry.js'
export { StorageRuntime } from './runtime.js'
export type { RuntimeEvent, RuntimeOptions } from './runtime.js'
export { isLive, StorageBase, StoragePluginBase } from './storage.js'
export type {
  Change,
  Entry,
  KeysOptions,
  Outcome,
  RemoveChange,
  SetChange,
  StorageEventType,
  StorageHost,
  StorageListener,
  StoreChange,
  Traits,
} from './storage.js'
export type { KeyOf, Pair, Store, StoreRecord, Updater } from './store.js'
export { StoreMixin } from './store-mixin.js'
export type { StoreMixed, StoreMixinClass } from './store-mixin.js'
export type { StoreWatch } from './watch.js'
