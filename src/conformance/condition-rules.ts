import { deferred } from '../async.ts'
import { isStoreError } from '../errors.ts'
import type { Change, CommitOptions, CommitResult, StorageBase } from '../storage.ts'
import { assert, assertEqual, collect, describeError, sortedMap } from './assertions.ts'
import { withTimeout } from './change-reader.ts'
import { exemptUnlessAtomic, type Rule } from './rule.ts'
import { checkChange, createEntry, removeChange, setChange } from './test-data.ts'

/** Conditions on entries that may have expired, and changes that only check one. */
export const CONDITION_RULES: readonly Rule[] = [
  {
    id: 'commit/expired-is-missing',
    name: 'for ifVersion, an entry that has expired at `now` counts as missing, and without `now` nothing has expired',
    fix: 'compare ifVersion with the stored version only if the entry has no `expires` or one greater than `now`; else with null',
    exempt: exemptUnlessAtomic,
    run: async (backend) => {
      const storage = await backend.openStorage()
      // In the future, so that no backend has removed the entries already.
      const at = Date.now() + 100_000
      for (const [method, write] of writersOf(storage)) {
        const expectResult = async (
          expected: CommitResult,
          createChange: (version: string) => Change,
          options?: CommitOptions,
        ): Promise<void> => {
          const old = createEntry('old', undefined, at)
          await storage.set('k', old)
          const change = createChange(old.version)
          const kind = Object.keys(change)[1]
          const condition = change.ifVersion === null ? 'null' : 'its version'
          assertEqual(
            await write(change, options),
            expected,
            `the result of ${method}() with { ${kind}, ifVersion: ${condition} } and ${describeTime(options, at)}`,
          )
          const stored = await storage.get('k')
          // A storage may have removed an entry that has expired.
          const isKept = expected === 'conflict' || 'check' in change
          if (stored === undefined && isKept && (options?.now ?? 0) >= at) return
          const written = 'entry' in change ? change.entry : undefined
          assertEqual(
            stored,
            isKept ? old : written,
            `the entry after a ${kind} whose result is ${expected}`,
          )
        }
        for (const create of [set, removeChange, checkChange]) {
          for (const options of [undefined, {}, { now: at - 1 }]) {
            await expectResult('conflict', () => create('k', null), options)
            await expectResult('applied', (version) => create('k', version), options)
          }
          for (const now of [at, at + 1]) {
            await expectResult('conflict', (version) => create('k', version), { now })
            await expectResult('applied', () => create('k', null), { now })
          }
        }
      }
    },
  },
  {
    id: 'commit/check',
    name: 'a check writes nothing and holds back its group if its condition is false; without conditional writes its result is NOT_ATOMIC',
    fix: "compare ifVersion of a change with `check: true` as of any other, and leave it out when writing; with traits.atomic 'none', return NOT_ATOMIC",
    run: async (backend) => {
      const storage = await backend.openStorage()
      const entry = createEntry('kept', 'v1', Date.now() + 3_600_000)
      await storage.set('k', entry)
      if (backend.traits.atomic === 'none') {
        const group = [setChange('a', createEntry(1)), checkChange('k', 'v1')]
        const [result] = await storage.commit([group])
        assert(
          isStoreError(result) && result.code === 'NOT_ATOMIC',
          `the result of a check: expected a StoreError NOT_ATOMIC; received ${typeof result === 'string' ? result : describeError(result)}`,
        )
        assertEqual(await collect(storage.keys()), ['k'], 'keys() after the refused check')
        return
      }
      const stored = new Map([['k', entry]])
      for (const [method, write] of writersOf(storage)) {
        const expectResult = async (expected: CommitResult, ...checks: Change[]): Promise<void> => {
          const key = `${method} ${stored.size}`
          const written = createEntry(key)
          assertEqual(
            await write([setChange(key, written), ...checks]),
            expected,
            `the result of ${method}() with the checks ${JSON.stringify(checks)}`,
          )
          if (expected === 'applied') stored.set(key, written)
        }
        await expectResult('applied', checkChange('k', 'v1'))
        await expectResult('applied', checkChange('missing', null), checkChange('k', 'v1'))
        await expectResult('conflict', checkChange('k', 'v0'))
        await expectResult('conflict', checkChange('k', null))
        await expectResult('conflict', checkChange('missing', 'v1'))
        await expectResult('conflict', checkChange('k', 'v1'), checkChange('missing', 'v1'))
        assertEqual(await write([checkChange('k', 'v1')]), 'applied', 'the result of a check alone')
        assertEqual(
          await write([checkChange('k', 'v0')]),
          'conflict',
          'the result of a false check',
        )
        assertEqual(
          sortedMap(await collect(storage.entries())),
          sortedMap(stored),
          `entries() after the checks of ${method}()`,
        )
      }
    },
  },
  {
    id: 'commit/check-not-watched',
    name: 'watch() of a storage does not report a key that was only checked',
    fix: 'notify listeners of the changes that set or remove an entry, not of those with `check: true`',
    exempt: ({ watch, atomic }) =>
      watch ? exemptUnlessAtomic({ atomic }) : 'the backend has no watch()',
    run: async (backend) => {
      const storage = await backend.openStorage()
      const { promise: ended, resolve: end } = deferred()
      const reported: unknown[] = []
      const stop = storage.watch?.((change) => {
        reported.push(change.kind === 'unknown' ? undefined : change.key)
        if (reported.includes('end')) end()
      })
      await storage.commit([[checkChange('checked', null), setChange('a', createEntry(1))]])
      await storage.commit([[checkChange('checked', null)]])
      await storage.set('end', createEntry(1))
      await withTimeout(ended, 'the change of a set() after the checks')
      stop?.()
      assertEqual(reported.includes('checked'), false, 'whether watch() reported the checked key')
    },
  },
]

type Write = (group: Change | readonly Change[], options?: CommitOptions) => Promise<unknown>

/** Returns the methods that write one group: `commit`, and `transact` if the storage has it. */
function writersOf(storage: StorageBase): [method: string, write: Write][] {
  const commit: Write = async (group, options) =>
    (await storage.commit([[group].flat()], options))[0]
  if (storage.transact === undefined) return [['commit', commit]]
  const transact: Write = async (group, options) => {
    const changes = [group].flat()
    const keys = changes.map(({ key }) => key)
    return (await storage.transact?.(keys, () => [changes], options))?.[0]
  }
  return [
    ['commit', commit],
    ['transact', transact],
  ]
}

function set(key: string, ifVersion: string | null): Change {
  return setChange(key, createEntry('new'), ifVersion)
}

function describeTime(options: CommitOptions | undefined, expires: number): string {
  return options?.now === undefined
    ? 'no `now`'
    : `\`now\` ${options.now - expires} ms after expiry`
}
