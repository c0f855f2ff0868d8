import { isDeepStrictEqual } from 'node:util'
import { name } from './describe-operation.ts'
import type { IssuedOperation } from './run-case.ts'
import type { ModelEntry } from './sequential-model.ts'

/**
 * A listing must show each key that its options select once, in order, and in a state that existed
 * while it ran.
 */
export function listingViolations(
  one: IssuedOperation,
  window: readonly ReadonlyMap<string, ModelEntry>[],
): string[] {
  if (one.settlement === undefined || 'error' in one.settlement) return []
  const { op } = one
  const { result } = one.settlement
  const ever = new Set(window.flatMap((state) => [...state.keys()]))
  const always = [...ever].filter((key) => window.every((state) => state.has(key)))
  if (op.kind === 'size') {
    const count = result as number
    if (count >= always.length && count <= ever.size) return []
    return [`${name(one)}: ${count}, expected ${always.length} to ${ever.size}`]
  }
  if (op.kind !== 'keys' && op.kind !== 'entries') return []
  const found: string[] = []
  const report = (violation: string): void => {
    found.push(`${name(one)} with ${JSON.stringify(op.options)} ${violation}`)
  }
  const { prefix = '', after, limit = Infinity, reverse = false } = op.options
  const isBefore = (a: string, b: string): boolean => (reverse ? a > b : a < b)
  const isSelected = (key: string): boolean =>
    key.startsWith(prefix) && (after === undefined || isBefore(after, key))
  const listed = (
    op.kind === 'keys' ? (result as string[]).map((key) => [key]) : result
  ) as (readonly [string, unknown?])[]
  const keys = listed.map(([key]) => key)
  for (const [index, key] of keys.entries()) {
    const earlier = keys[index - 1]
    if (earlier !== undefined && !isBefore(earlier, key)) report(`is not in order: ${keys.join()}`)
    if (!isSelected(key)) report(`lists "${key}"`)
  }
  if (keys.length > limit) report(`lists ${keys.length} keys`)
  const last = keys.length === limit ? keys.at(-1) : undefined
  for (const key of always.filter(isSelected)) {
    const isCut = last !== undefined && isBefore(last, key)
    if (!keys.includes(key) && !isCut) report(`does not list "${key}"`)
  }
  for (const [key, value] of listed) {
    const was = window.some((state) => {
      const kept = state.get(key)
      return kept && (op.kind === 'keys' || isDeepStrictEqual(kept.value, value))
    })
    if (!was) report(`lists "${key}" with a value that it never had: ${JSON.stringify(value)}`)
  }
  return found
}
