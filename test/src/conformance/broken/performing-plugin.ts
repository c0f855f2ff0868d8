import {
  type Change,
  type Entry,
  isLive,
  type PerformResult,
  runStep,
  type StepChange,
  StoreError,
} from '../../../../src/index.ts'
import { createEntry } from '../../../../src/entry.ts'
import type { Patch } from './broken-plugin.ts'

interface PerformOptions {
  readonly run?: typeof runStep
  /** Copies a result. */
  readonly copy?: (value: unknown) => unknown
}

/** Adds a `perform` that is correct unless the options replace a part of it. */
export function patchPerform({
  run = runStep,
  copy = structuredClone,
}: PerformOptions = {}): Patch {
  const applyGroup = (
    group: readonly (Change | StepChange)[],
    stored: ReadonlyMap<string, Entry>,
    now: number,
  ): { results: PerformResult; changes: readonly Change[] } => {
    const found = new Map(stored)
    const changes = new Map<string, Change>()
    const apply = (each: Change | StepChange): unknown => {
      const current = found.get(each.key)
      const live = current !== undefined && isLive(current, now) ? current : undefined
      const { change, result } =
        'step' in each ? toChange(each, run(each.step, live)) : { change: each, result: undefined }
      if (change !== undefined) changes.set(change.key, change)
      if (change !== undefined && 'entry' in change) found.set(change.key, change.entry)
      else if (change !== undefined) found.delete(change.key)
      return copy(result)
    }
    try {
      return { results: group.map(apply), changes: [...changes.values()] }
    } catch (error) {
      return { results: error as StoreError, changes: [] }
    }
  }
  return (storage, original) => {
    storage.perform = async (groups, { now = Number.NEGATIVE_INFINITY, turn } = {}) => {
      const keys = new Set(groups.flat().map(({ key }) => key))
      const results: PerformResult[] = []
      const apply = (stored: Map<string, Entry>): readonly (readonly Change[])[] => {
        const applied = groups.map((group) => applyGroup(group, stored, now))
        results.push(...applied.map((each) => each.results))
        return applied.map(({ changes }) => changes)
      }
      await original.transact?.([...keys], apply, { turn })
      return results
    }
  }
}

function toChange(
  { key, version, bytes }: StepChange,
  { change, result }: ReturnType<typeof runStep>,
): { change?: Change; result: unknown } {
  if (change === undefined) return { result }
  if (change === 'remove') return { change: { key, remove: true }, result }
  return {
    change: { key, entry: createEntry(change.value, version, change.expires), bytes },
    result,
  }
}
