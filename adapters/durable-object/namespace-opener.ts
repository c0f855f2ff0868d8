import { invalidConfig } from '../../src/config.ts'
import { quote } from '../../src/errors.ts'
import type { StorageBase } from '../../src/storage.ts'
import { LocalTurns } from '../../src/turns.ts'
import { callStorage } from './errors.ts'
import { LocalObjectStorage } from './local-object-storage.ts'
import type { PlatformStorage } from './object-engine.ts'
import { type ObjectStub, RpcObjectStorage } from './rpc-object-storage.ts'

/**
 * The part of a `DurableObjectNamespace` of `StorageObject` that botshelf uses. Declared here, so
 * that users need no Workers types.
 */
export interface ObjectBinding {
  idFromName(name: string): unknown
  get(id: never, options?: { locationHint?: never }): ObjectStub
  jurisdiction?(name: string): ObjectBinding
}

/** The settings of the location of objects. */
export interface ObjectLocation {
  readonly locationHint: string | undefined
  readonly jurisdiction: string | undefined
}

/** Opens and lists namespaces, from a Worker or inside an object. Their names are escaped here. */
export interface NamespaceOpener {
  open(namespace: string): StorageBase
  namespaces(): AsyncIterable<string>
  /** Absent where the default of `StoragePluginBase` is right. */
  drop?(namespace: string): Promise<void>
}

/** Creates the opener for a Worker. @throws StoreError `CONFIG_INVALID` */
export function createRpcOpener(
  binding: ObjectBinding,
  prefix: string,
  { locationHint, jurisdiction }: ObjectLocation,
): NamespaceOpener {
  const objects = jurisdiction === undefined ? binding : restrict(binding, jurisdiction)
  const options = locationHint === undefined ? [] : [{ locationHint: locationHint as never }]
  const getStub = (namespace: string): ObjectStub =>
    objects.get(objects.idFromName(prefix + namespace) as never, ...options)
  // No store can open the empty namespace, so its object can be the index.
  const index = new RpcObjectStorage(getStub, '')
  const open = (namespace: string): RpcObjectStorage =>
    new RpcObjectStorage(getStub, namespace, index)
  return {
    open,
    namespaces: () => index.keys(),
    drop: (namespace) => open(namespace).drop(),
  }
}

/** Returns the objects of a jurisdiction. @throws StoreError `CONFIG_INVALID` */
function restrict(binding: ObjectBinding, jurisdiction: string): ObjectBinding {
  let reason = 'the binding has no method jurisdiction()'
  try {
    if (binding.jurisdiction) return binding.jurisdiction(jurisdiction)
  } catch (error) {
    // workerd on its own has no jurisdictions (1.20261102).
    reason = `jurisdiction() threw ${quote(error instanceof Error ? error.message : error)}`
  }
  throw invalidConfig(
    `STORAGE_CONFIG.jurisdiction needs the binding of a deployed Worker; received ${quote(jurisdiction)}, and ${reason}. Leave it out in local development.`,
  )
}

/** Creates the opener for the inside of an object. @throws StoreError `CONFIG_INVALID` */
export function createLocalOpener(storage: PlatformStorage, prefix: string): NamespaceOpener {
  // An object without SQLite has all properties, too, and throws on use (workerd 1.20261102).
  callStorage(() => storage.sql?.databaseSize)
  const turns = new Map<string, LocalTurns>()
  return {
    open(namespace) {
      const shared = turns.get(namespace) ?? new LocalTurns()
      turns.set(namespace, shared)
      return new LocalObjectStorage(storage, `${prefix}${namespace}:`, shared)
    },
    async *namespaces() {
      let start = prefix
      for (;;) {
        const [first] = callStorage(() => storage.kv.list({ prefix, start, limit: 1 }))
        if (first === undefined) return
        const [name] = first
        const namespace = name.slice(prefix.length, name.indexOf(':'))
        yield namespace
        // A semicolon follows a colon in byte order, so the next namespace begins at or after it.
        start = `${prefix}${namespace};`
      }
    },
  }
}
