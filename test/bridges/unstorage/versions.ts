import * as v1 from 'unstorage'
import memory1 from 'unstorage/drivers/memory'
import * as v2 from 'unstorage-2'
import memory2 from 'unstorage-2/drivers/memory'

/** A version of unstorage. That both are one proves that a driver fits the types of either. */
export interface Version {
  readonly name: string
  readonly unstorage: Pick<
    typeof v1,
    'createStorage' | 'prefixStorage' | 'snapshot' | 'restoreSnapshot'
  >
  readonly createMemoryDriver: () => v1.Driver
}

export const VERSIONS: readonly Version[] = [
  { name: 'unstorage 1.17', unstorage: v1, createMemoryDriver: memory1 },
  {
    name: 'unstorage 2 beta',
    unstorage: v2,
    createMemoryDriver: memory2,
  },
]
