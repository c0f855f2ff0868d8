/** A stored value: what a bot keeps about a user, 200 bytes as text unless a task says otherwise. */
export interface Value {
  readonly user: string
  karma: number
  readonly notes: readonly string[]
  readonly updated: Date
}

/** Returns text that does not compress, so that a value of 1 MB takes 1 MB on the disk too. */
function randomText(length: number, seed: number): string {
  let state = (seed + 1) * 0x9e3779b1
  let text = ''
  while (text.length < length) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    text += (state >>> 0).toString(36)
  }
  return text.slice(0, length)
}

/** Returns `count` values of about `bytes` bytes each, the same ones on every call. */
export function createValues(count: number, bytes: number): readonly Value[] {
  const noteLength = Math.max(8, Math.round((bytes - 105) / 3))
  return Array.from({ length: count }, (_, i) => ({
    user: `user-${String(i).padStart(6, '0')}`,
    karma: 0,
    notes: [0, 1, 2].map((n) => randomText(noteLength, 3 * i + n)),
    updated: new Date(Date.UTC(2026, 0, 1) + i * 60_000),
  }))
}

/** A message of a conversation. */
export interface Message {
  readonly from: string
  readonly text: string
  readonly at: Date
}

/** Returns `count` conversations of about `bytes` bytes each as text. */
export function createHistories(count: number, bytes: number): readonly (readonly Message[])[] {
  const length = Math.round(bytes / 108)
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length }, (__, n) => ({
      from: n % 2 === 0 ? `user-${i}` : 'bot',
      text: randomText(50, i * length + n),
      at: new Date(Date.UTC(2026, 0, 1) + n * 60_000),
    })),
  )
}

/**
 * Compares a list with what was stored, as JSON: some candidates read a Date back as text.
 *
 * @throws Error if they differ
 */
export function assertSameList(
  actual: unknown,
  expected: readonly unknown[],
  what: string,
  options: { readonly isOrdered?: boolean } = {},
): void {
  if (!Array.isArray(actual) || actual.length !== expected.length) {
    const received = Array.isArray(actual) ? actual.length : String(actual)
    throw new Error(`${what}: expected ${expected.length} items; received ${received}.`)
  }
  const actualTexts = actual.map((item: unknown) => JSON.stringify(item))
  const expectedTexts = expected.map((item) => JSON.stringify(item))
  if (options.isOrdered === false) for (const list of [actualTexts, expectedTexts]) list.sort()
  const index = expectedTexts.findIndex((text, i) => text !== actualTexts[i])
  if (index >= 0) {
    throw new Error(
      `${what}, item ${index}: expected ${expectedTexts[index]}; received ${actualTexts[index]}.`,
    )
  }
}

/** @throws Error if `value` has no karma */
export function asValue(value: unknown): Value {
  if (typeof value === 'object' && value !== null && 'karma' in value) return value as Value
  throw new Error(`Expected a stored value; received ${String(value)}.`)
}
