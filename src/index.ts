export { BatchStorageBase } from './batch-storage.ts'
export type {
  AppendOptions,
  ClearOptions,
  ExpiryOptions,
  StepOptions,
  WriteOptions,
} from './arguments.ts'
export type { BotConfig, ConfigField, ConfigFields, StorageConfig } from './config.ts'
export { isLive } from './entry.ts'
export type { Entry } from './entry.ts'
export { isStoreError, StoreError } from './errors.ts'
export type { StoreErrorCode, StoreErrorData, StoreErrorDetails, WriteOutcome } from './errors.ts'
export { listPages } from './listing.ts'
export type { Listing } from './listing.ts'
export type { Manifest, StoragePluginClass, StorageRegistry } from './registry.ts'
export type { OperationKind, OperationRecord } from './observe.ts'
export { StorageRuntime } from './runtime.ts'
export type { RuntimeEvent, RuntimeOptions } from './runtime.ts'
export type {
  InferOutput,
  OpenOptions,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from './schema.ts'
export { keepStamp } from './stamp.ts'
export { runStep } from './step.ts'
export type { ExpiryRule, Step, StepEffect } from './step.ts'
export { StorageBase, StoragePluginBase } from './storage.ts'
export type {
  Change,
  CheckChange,
  CommitOptions,
  KeysOptions,
  CommitResult,
  PerformResult,
  RemoveChange,
  SetChange,
  StepChange,
  StorageChange,
  StorageEventType,
  StorageHost,
  StorageListener,
  StoreChange,
  Traits,
} from './storage.ts'
export type { Store } from './store.ts'
export type {
  ItemOf,
  KeyOf,
  ListKeyOf,
  NumberKeyOf,
  StoreEntry,
  StoreRecord,
  Updater,
} from './store-types.ts'
export { SyncAccess } from './sync-access.ts'
export type { SyncMethods } from './sync-access.ts'
export { LocalTurns } from './turns.ts'
export type { Turn, Turns } from './turns.ts'
export { StoreMixin } from './store-mixin.ts'
export type { StoreMixed, StoreMixinClass } from './store-mixin.ts'
export type { StoreTransaction } from './transaction.ts'
export { createWatch } from './watch.ts'
export type { StoreValueChange, StoreWatch, WatchOptions } from './watch.ts'
