/** What is stored: about 200 bytes of a person, as a bot keeps it, unless a task says otherwise. */
export interface Value {
  readonly user: string
  karma: number
  readonly notes: readonly string[]
  readonly updated: Date
}

/** Text that does not compress, so that a value of 1 MB is one on the disk too. */
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

/** Values of about so many bytes each, always the same ones. */
export function valuesFor(count: number, bytes: number): readonly Value[] {
  const note = Math.max(8, Math.round((bytes - 105) / 3))
  return Array.from({ length: count }, (_, i) => ({
    user: `user-${String(i).padStart(6, '0')}`,
    karma: 0,
    notes: [0, 1, 2].map((n) => randomText(note, 3 * i + n)),
    updated: new Date(Date.UTC(2026, 0, 1) + i * 60_000),
  }))
}

/** @throws Error if what was found is not what was expected, as JSON */
export function same(
  found: unknown,
  expected: readonly unknown[],
  what: string,
  ordered = true,
): void {
  if (!Array.isArray(found) || found.length !== expected.length) {
    throw new Error(`${what} should be ${expected.length} and are ${lengthOf(found)}.`)
  }
  // Some candidates keep a Date as text; as JSON it is the same.
  const texts = found.map((each: unknown) => JSON.stringify(each))
  const right = expected.map((each) => JSON.stringify(each))
  if (!ordered) for (const list of [texts, right]) list.sort()
  const wrong = right.findIndex((text, i) => text !== texts[i])
  if (wrong >= 0) throw new Error(`${what} are not what was stored: ${String(texts[wrong])}`)
}

function lengthOf(found: unknown): string {
  return Array.isArray(found) ? String(found.length) : String(found)
}

/** @throws Error if it is none */
export function asValue(value: unknown): Value {
  if (typeof value === 'object' && value !== null && 'karma' in value) return value as Value
  throw new Error(`A value is ${String(value)}.`)
}
