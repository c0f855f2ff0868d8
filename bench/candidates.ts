import type { Candidate } from './workload.ts'

/** Every candidate by its id, in the order of the tables. An id is also the name of its file. */
export const CANDIDATES: Readonly<Record<string, Candidate>> = {
  'botshelf-relaxed': { label: 'botshelf, relaxed', kind: 'ours' },
  'botshelf-two-tabs': { label: 'botshelf, relaxed, two tabs', kind: 'ours' },
  'botshelf-one-tab': { label: 'botshelf, relaxed, one tab', kind: 'ours' },
  botshelf: { label: 'botshelf', kind: 'ours' },
  'botshelf-kv': { label: 'botshelf on KV', kind: 'ours' },
  'botshelf-object': { label: 'botshelf on an object, from a Worker', kind: 'ours' },
  'botshelf-inside': { label: 'botshelf inside an object', kind: 'ours' },
  'plain-indexeddb': { label: 'plain IndexedDB', kind: 'baseline' },
  'idb-keyval': { label: 'idb-keyval', kind: 'peer' },
  'idb-keyval-many': { label: 'idb-keyval setMany, getMany', kind: 'peer' },
  idb: { label: 'idb', kind: 'peer' },
  'idb-transaction': { label: 'idb, one transaction', kind: 'peer' },
  dexie: { label: 'dexie', kind: 'peer' },
  'dexie-bulk': { label: 'dexie bulkPut, bulkGet', kind: 'peer' },
  localforage: { label: 'localforage', kind: 'peer' },
  unstorage: { label: 'unstorage', kind: 'peer' },
  'unstorage-items': { label: 'unstorage getItems', kind: 'peer' },
  'one-rpc': { label: 'one batch RPC', kind: 'baseline' },
  'rpc-each': { label: 'one RPC per call', kind: 'baseline' },
  'rpc-sequence': { label: 'n + 2 RPCs, one after another', kind: 'baseline' },
  'kv-loop': { label: 'ctx.storage.kv loop', kind: 'baseline' },
  'put-get': { label: 'ctx.storage.put and get', kind: 'baseline' },
  'kv-bulk': { label: 'KV bulk get', kind: 'baseline' },
  'kv-each': { label: 'one KV get per key', kind: 'baseline' },
  'previous-copy': { label: 'the previous copy', kind: 'baseline' },
  json: { label: 'JSON', kind: 'baseline' },
  map: { label: 'Map and structuredClone', kind: 'baseline' },
}

/** Returns how the report names a candidate. */
export function labelOf(candidate: string): string {
  return CANDIDATES[candidate]?.label ?? candidate
}
