import type { Candidate } from './workload.ts'

/** Everyone who takes part anywhere, by the name of the file, as tables call and order them. */
export const CANDIDATES: Readonly<Record<string, Candidate>> = {
  'botshelf-relaxed': { label: 'botshelf, relaxed', kind: 'ours' },
  botshelf: { label: 'botshelf', kind: 'ours' },
  'botshelf-kv': { label: 'botshelf on KV', kind: 'ours' },
  'botshelf-object': { label: 'botshelf on an object, from a Worker', kind: 'ours' },
  'botshelf-inside': { label: 'botshelf inside an object', kind: 'ours' },
  'plain-indexeddb': { label: 'IndexedDB by hand', kind: 'baseline' },
  'idb-keyval': { label: 'idb-keyval', kind: 'peer' },
  'idb-keyval-many': { label: 'idb-keyval setMany, getMany', kind: 'peer' },
  idb: { label: 'idb', kind: 'peer' },
  'idb-transaction': { label: 'idb, one transaction', kind: 'peer' },
  dexie: { label: 'dexie', kind: 'peer' },
  'dexie-bulk': { label: 'dexie bulkPut, bulkGet', kind: 'peer' },
  localforage: { label: 'localforage', kind: 'peer' },
  unstorage: { label: 'unstorage', kind: 'peer' },
  'unstorage-items': { label: 'unstorage getItems', kind: 'peer' },
  'one-rpc': { label: 'one batch RPC by hand', kind: 'baseline' },
  'rpc-each': { label: 'an RPC each, by hand', kind: 'baseline' },
  'kv-loop': { label: 'ctx.storage.kv loop', kind: 'baseline' },
  'put-get': { label: 'ctx.storage.put and get', kind: 'baseline' },
  'kv-bulk': { label: 'KV bulk get by hand', kind: 'baseline' },
  'kv-each': { label: 'KV get each, by hand', kind: 'baseline' },
  map: { label: 'Map and structuredClone', kind: 'baseline' },
}

export function labelOf(candidate: string): string {
  return CANDIDATES[candidate]?.label ?? candidate
}
