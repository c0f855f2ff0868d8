/** `botshelf/backup`: back up the entries of a runtime as text, and restore them to any runtime. */
export { splitIntoChunks } from './chunks.ts'
export type { ChunkBounds } from './chunks.ts'
export { byCodeUnit } from '../key.ts'
export { formatEntry, isSameStoredValue } from './entry.ts'
export type { BackupChange, BackupEntry, BackupRemoval, EntryName, StoredValue } from './entry.ts'
export { parseBackup, formatBackup } from './file.ts'
export type { Backup } from './file.ts'
export { BackupError } from './lines.ts'
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
  TargetError,
} from './target.ts'
