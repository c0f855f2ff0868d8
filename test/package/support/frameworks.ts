import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from './run.ts'

/**
 * What a bridge's users import beside its peer: add-ons, libraries without a peer range, and the
 * second major version of a peer.
 */
const BESIDE_PEERS = [
  '@chat-adapter/state-memory',
  '@langchain/langgraph',
  '@tanstack/ai-client',
  '@tanstack/query-async-storage-persister',
  '@tanstack/query-core',
  '@tanstack/query-persist-client-core',
  'astro',
  'hono',
  'redux',
  'redux-persist',
  'unstorage-2',
  'zod',
  'zustand',
]

/** Returns the packages that the bridges work with, which are installed in the project. */
export async function frameworks(): Promise<string[]> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    readonly peerDependencies: Readonly<Record<string, string>>
  }
  const peers = Object.keys(manifest.peerDependencies).filter(
    (name) => name !== '@cloudflare/workers-types',
  )
  return [...new Set([...peers, ...BESIDE_PEERS])]
}
