/** `botshelf/backup`: back up what a runtime stores, as text, and restore it anywhere. */
export { splitIntoChunks } from './chunks.ts'
export type { ChunkBounds } from './chunks.ts'
export { byCodeUnit, formatEntry, isSameText } from './entry.ts'
export type { BackupChange, BackupEntry, BackupRemoval, EntryName, StoredText } from './entry.ts'
export { BackupError, readBackup, writeBackup } from './file.ts'
export type { Backup } from './file.ts'
export { mergeValues } from './merge.ts'
export type { ListMode } from './merge.ts'
export type { BackupPart } from './part.ts'
export { planRestore } from './plan.ts'
export type { PlanOptions, RestoreCounts, RestoreMode, RestorePlan } from './plan.ts'
export { readParts } from './read-parts.ts'
export { countEntries, listNamespaces, runtimeTarget } from './runtime-target.ts'
export type { RuntimeTarget } from './runtime-target.ts'
export { NamespaceError, readAll } from './target.ts'
export type {
  BackupTarget,
  Contents,
  ExcludeOptions,
  ReadAllOptions,
  ReadProgress,
} from './target.ts'
