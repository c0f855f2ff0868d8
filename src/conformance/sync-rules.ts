import { sleep } from '../async.ts'
import type { Change } from '../storage.ts'
import type { SyncAccess } from '../sync-access.ts'
import { assertEqual } from './assertions.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import { checkChange, createEntry, removeChange, setChange } from './test-data.ts'

const NOT_SYNCHRONOUS = 'the storage has no synchronous access (sync)'

/** The synchronous access of a storage, which the runtime uses without calling its other methods. */
export const SYNC_RULES: readonly Rule[] = [
  {
    id: 'sync/get',
    name: 'sync.get() returns a new copy of the entry of a key, and undefined if there is none',
    fix: 'return the entry itself from `get` of SyncAccess, not a promise, and copy it on each read',
    run: async (backend) => {
      const storage = await backend.openStorage()
      const { sync } = storage
      if (!sync) return NOT_SYNCHRONOUS
      assertEqual(sync.get('k'), undefined, 'sync.get() of a missing key')
      // In the future, so that no backend has removed the entry already.
      const entry = createEntry([1], 'v1', Date.now() + 100_000)
      await storage.set('k', entry)
      const read = sync.get('k')
      assertEqual(read, entry, 'sync.get() after set()')
      const { value } = read ?? {}
      if (Array.isArray(value)) value.push('changed by a reader')
      assertEqual(sync.get('k'), entry, 'sync.get() after a reader changed what it received')
      return undefined
    },
  },
  {
    id: 'sync/commit',
    name: 'sync.commit() applies a group whole if its conditions hold at `now`, and otherwise changes nothing',
    fix: 'let `commit` of SyncAccess do what commit() does with one group, return its result and not a promise, and throw only if nothing was applied',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const storage = await backend.openStorage()
      const { sync } = storage
      if (!sync) return NOT_SYNCHRONOUS
      const at = Date.now() + 100_000
      const one = createEntry(1, 'v1', at)
      const two = createEntry(2, 'v2')
      const expectCommit = async (
        isApplied: boolean,
        group: readonly Change[],
        now = at - 1,
      ): Promise<void> => {
        assertEqual(await commitSync(sync, group, now), isApplied, describeGroup(group, now < at))
      }
      await expectCommit(true, [setChange('k', one), removeChange('missing')])
      assertEqual(await storage.get('k'), one, 'get() after sync.commit()')
      await expectCommit(false, [setChange('a', two), checkChange('k', null)])
      await expectCommit(false, [setChange('a', two), setChange('k', two, 'another version')])
      await expectCommit(false, [setChange('a', two), removeChange('k', 'another version')])
      assertEqual(await storage.get('a'), undefined, 'get() after groups that were not applied')
      await expectCommit(true, [setChange('a', two, null), checkChange('k', 'v1')])
      assertEqual(await storage.get('k'), one, 'get() of a key that was only checked')
      await expectCommit(false, [setChange('k', two, 'v1')], at)
      await expectCommit(true, [setChange('k', two, null)], at)
      await expectCommit(true, [removeChange('k', 'v2')], at)
      assertEqual(await storage.get('k'), undefined, 'get() after a removal')
      return undefined
    },
  },
]

/** Commits a group in a tick of its own: writes of one tick may be left to the queue. */
async function commitSync(
  sync: SyncAccess,
  group: readonly Change[],
  now: number,
): Promise<boolean> {
  await sleep(0)
  return sync.commit(group, now)
}

function describeGroup(group: readonly Change[], isLive: boolean): string {
  const changes = group.map(({ key, ifVersion }) =>
    ifVersion === undefined ? key : `${key} with ifVersion ${ifVersion}`,
  )
  return `whether sync.commit() applies changes of ${changes.join(' and ')} ${isLive ? 'before' : 'after'} the expiry`
}
