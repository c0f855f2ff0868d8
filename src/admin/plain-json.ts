import { builtInName, describeObject } from '../value/built-in.ts'
import { formatStep } from '../value/copy-context.ts'

/** Thrown for a value that is not plain JSON. Its message has the path: `$.notes[3].when is a Date`. */
export class NotPlainError extends Error {
  override readonly name: string = 'NotPlainError'
}

/** A value inside the checked one, with the way to it. */
interface JsonNode {
  readonly value: unknown
  /** The name of the property or the index of the element. */
  readonly step: string | number
  readonly parent: JsonNode | undefined
}

/**
 * Checks that `JSON.parse(JSON.stringify(value))` returns the same value: null, booleans, strings,
 * finite numbers other than -0, arrays without holes and plain objects of these. A property named
 * `toJSON` is allowed, because JSON.stringify calls only functions. Depth is not limited.
 *
 * Text with an unpaired surrogate is refused, although JavaScript reads it back: RFC 8259 calls the
 * behaviour of other readers unpredictable, and jq rejects the whole document.
 *
 * @throws NotPlainError for the first part, in the order of the text, that would change
 */
export function assertPlainJson(value: unknown): void {
  const visited = new Map<object, JsonNode>()
  // Iterators instead of recursion, since a value may nest deeper than the call stack, and instead of
  // a list of all parts, which would take many times the memory of the value.
  const open: Iterator<JsonNode, void>[] = [[{ value, step: '$', parent: undefined }].values()]
  for (let parts = open.at(-1); parts !== undefined; parts = open.at(-1)) {
    const { value: node } = parts.next()
    if (node === undefined) {
      open.pop()
      continue
    }
    if (typeof node.value !== 'object' || node.value === null) {
      assertPlainPrimitive(node)
      continue
    }
    const first = visited.get(node.value)
    if (first !== undefined) {
      throw createNotPlainError(
        node,
        `is the same object as ${pathOf(first)}, which JSON would copy`,
      )
    }
    visited.set(node.value, node)
    open.push(childrenOf(node, node.value))
  }
}

function assertPlainPrimitive(node: JsonNode): void {
  const { value } = node
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed())
        throw createNotPlainError(node, 'is text with an unpaired surrogate')
      return
    case 'number':
      if (Object.is(value, -0)) throw createNotPlainError(node, 'is -0')
      if (!Number.isFinite(value)) throw createNotPlainError(node, `is ${value}`)
      return
    case 'undefined':
      throw createNotPlainError(node, 'is undefined')
    case 'bigint':
    case 'function':
    case 'symbol':
      throw createNotPlainError(node, `is a ${typeof value}`)
    default:
      return
  }
}

function childrenOf(node: JsonNode, value: object): Iterator<JsonNode, void> {
  const name = builtInName(value)
  if (name === 'Array' && Array.isArray(value)) return elementsOf(node, value)
  if (name === 'Object' && Object.getPrototypeOf(value) !== null) return propertiesOf(node, value)
  if (name === 'Object') throw createNotPlainError(node, 'is an object without a prototype')
  if (name === undefined) throw createNotPlainError(node, `is ${describeObject(value, name)}`)
  throw createNotPlainError(node, `is ${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`)
}

function* elementsOf(parent: JsonNode, list: readonly unknown[]): Generator<JsonNode, void> {
  for (let step = 0; step < list.length; step++) {
    if (!Object.hasOwn(list, step))
      throw createNotPlainError({ value: undefined, step, parent }, 'is a hole')
  }
  // An array's own keys are its elements and `length`.
  if (Reflect.ownKeys(list).length > list.length + 1) {
    throw createNotPlainError(parent, 'has a property besides its elements')
  }
  for (const [step, value] of list.entries()) yield { value, step, parent }
}

function* propertiesOf(parent: JsonNode, value: object): Generator<JsonNode, void> {
  const entries = Object.entries(value)
  if (Reflect.ownKeys(value).length > entries.length) {
    throw createNotPlainError(parent, 'has a property that JSON leaves out')
  }
  for (const [step, propertyValue] of entries) {
    const property = { value: propertyValue, step, parent }
    if (step === '__proto__') throw createNotPlainError(property, 'has a name that is not allowed')
    if (!step.isWellFormed())
      throw createNotPlainError(property, 'has a name with an unpaired surrogate')
    yield property
  }
}

function createNotPlainError(node: JsonNode, reason: string): NotPlainError {
  return new NotPlainError(`${pathOf(node)} ${reason}`)
}

/** Formats the path of a node, such as `$.notes[3]["a b"]`. */
function pathOf(node: JsonNode): string {
  const steps: string[] = []
  for (let at = node; at.parent !== undefined; at = at.parent) steps.push(formatStep(at.step))
  return `$${steps.toReversed().join('')}`
}
