import { builtInName, describeObject } from '../value/built-in.ts'

/** Why a value cannot be shown as plain JSON, with the path: `$.notes[3].when is a Date`. */
export class NotPlainError extends Error {
  override readonly name: string = 'NotPlainError'
}

/** A part of the value that is checked, and what it is part of. */
interface Part {
  readonly value: unknown
  /** A property's name, or an element's index. */
  readonly step: string | number
  readonly parent: Part | undefined
}

/**
 * Checks that `JSON.parse(JSON.stringify(value))` gives the same value: null, booleans, strings,
 * finite numbers other than -0, arrays without holes and plain objects of these. A property named
 * `toJSON` is data like any other, since JSON.stringify calls functions alone.
 *
 * Text with an unpaired surrogate is refused, though JavaScript itself reads it back: RFC 8259
 * calls what readers make of it unpredictable, and RFC 7493 forbids it. jq reads nothing of such a
 * document. Depth is not limited.
 *
 * @throws NotPlainError at the first part, in the order of the text, that would not be the same
 */
export function checkPlain(value: unknown): void {
  const met = new Map<object, Part>()
  // Not by recursion: a value may nest deeper than any stack.
  const parts: Part[] = [{ value, step: '$', parent: undefined }]
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    if (typeof part.value !== 'object' || part.value === null) {
      checkSimple(part)
      continue
    }
    const before = met.get(part.value)
    if (before !== undefined) {
      throw refusal(part, `is the same object as ${pathOf(before)}, of which JSON would make two`)
    }
    met.set(part.value, part)
    for (const inside of partsOf(part, part.value).toReversed()) parts.push(inside)
  }
}

function checkSimple(part: Part): void {
  const { value } = part
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw refusal(part, 'is text with an unpaired surrogate')
      return
    case 'number':
      if (Object.is(value, -0)) throw refusal(part, 'is -0')
      if (!Number.isFinite(value)) throw refusal(part, `is ${value}`)
      return
    case 'undefined':
      throw refusal(part, 'is undefined')
    case 'bigint':
    case 'function':
    case 'symbol':
      throw refusal(part, `is a ${typeof value}`)
    default:
      return
  }
}

function partsOf(part: Part, value: object): Part[] {
  const name = builtInName(value)
  if (name === 'Array' && Array.isArray(value)) return elements(part, value)
  if (name === 'Object' && Object.getPrototypeOf(value) !== null) return properties(part, value)
  if (name === 'Object') throw refusal(part, 'is an object without a prototype')
  if (name === undefined) throw refusal(part, `is ${describeObject(value, name)}`)
  throw refusal(part, `is ${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`)
}

function elements(parent: Part, list: readonly unknown[]): Part[] {
  const inside: Part[] = []
  for (let index = 0; index < list.length; index++) {
    const element = { value: list[index], step: index, parent }
    if (!Object.hasOwn(list, index)) throw refusal(element, 'is a hole')
    inside.push(element)
  }
  // One of them is `length`.
  if (Reflect.ownKeys(list).length > list.length + 1) {
    throw refusal(parent, 'has a property besides its elements')
  }
  return inside
}

function properties(parent: Part, value: object): Part[] {
  const all = Object.entries(value)
  if (Reflect.ownKeys(value).length > all.length) {
    throw refusal(parent, 'has a property that JSON leaves out')
  }
  return all.map(([step, each]) => {
    const property = { value: each, step, parent }
    if (step === '__proto__') throw refusal(property, 'is called as no property may be')
    if (!step.isWellFormed()) throw refusal(property, 'has a name with an unpaired surrogate')
    return property
  })
}

function refusal(part: Part, what: string): NotPlainError {
  return new NotPlainError(`${pathOf(part)} ${what}`)
}

/** Such as `$.notes[3]["a b"]`. */
function pathOf(part: Part): string {
  const steps: string[] = []
  for (let at = part; at.parent !== undefined; at = at.parent) steps.push(shown(at.step))
  return `$${steps.toReversed().join('')}`
}

function shown(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step)
    ? `.${step}`
    : `[${JSON.stringify(step)}]`
}
