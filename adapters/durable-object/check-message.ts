// Checks the messages that an object receives. Our client sends no malformed one, but any Worker with
// the binding can call the object, also with another version of botshelf. Fields without a rule are
// ignored: the next protocol version may add some.
import { quote, StoreError } from '../../src/errors.ts'
import { checkKey } from '../../src/key.ts'
import { MAX_MESSAGE_BYTES } from './message-size.ts'
import { MAX_KEY_BYTES } from './object-engine.ts'
import { MAX_LEASE_MS, unsupported } from './protocol.ts'

/** The longest id of a message or a turn, and the longest version, in UTF-16 code units. */
const MAX_ID_LENGTH = 256

/** What a field must be, in words, and the test of it. */
type Rule = readonly [expected: string, accepts: (value: unknown) => boolean]
type Rules = Readonly<Record<string, Rule>>
type Fields = Readonly<Record<string, unknown>>

const TEXT: Rule = [
  'a string without unpaired surrogates',
  (value) => typeof value === 'string' && value.isWellFormed(),
]
const ID: Rule = [
  `a string of 1 to ${MAX_ID_LENGTH} characters`,
  (value) => typeof value === 'string' && value.length > 0 && value.length <= MAX_ID_LENGTH,
]
const BOOLEAN: Rule = ['true or false', (value) => typeof value === 'boolean']
/** −Infinity is the time at which nothing has expired. */
const TIME: Rule = [
  'a time in milliseconds since 1970',
  (value) => typeof value === 'number' && !Number.isNaN(value),
]
const EXPIRES: Rule = ['a finite time in milliseconds since 1970, or absent', isFiniteOrAbsent]
const DURATION: Rule = [
  'a number of milliseconds that is not negative',
  (value) => Number.isFinite(value) && (value as number) >= 0,
]
const LEASE: Rule = [
  `a number of milliseconds from 1 to ${MAX_LEASE_MS}`,
  (value) => typeof value === 'number' && value >= 1 && value <= MAX_LEASE_MS,
]
const LIMIT: Rule = ['a number from 1', (value) => typeof value === 'number' && value >= 1]
const SIZE: Rule = [
  `a number of bytes from 0 to ${MAX_MESSAGE_BYTES}`,
  (value) => typeof value === 'number' && value >= 0 && value <= MAX_MESSAGE_BYTES,
]
const COUNT: Rule = [
  'an integer from 0',
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
]
const VALUE: Rule = ['a value', (value) => value !== undefined]
const CONDITION: Rule = ['a version or null', (value) => value === null || ID[1](value)]
const EXPIRY: Rule = [
  'an object with expires and onInsert',
  (value) =>
    isObject(value) &&
    isFiniteOrAbsent(value['expires']) &&
    optional(BOOLEAN)[1](value['onInsert']),
]

const OPTIONAL_TIME = optional(TIME)
const OPTIONAL_CONDITION = optional(CONDITION)
const OPTIONAL_EXPIRY = optional(EXPIRY)

const WRITE: Rules = {
  messageId: ID,
  now: OPTIONAL_TIME,
  turn: optional(ID),
  endsTurn: optional(BOOLEAN),
}

/** The rules of the fields of each request, besides `keys`, `changes` and `groupSizes`. */
const REQUESTS: ReadonlyMap<unknown, Rules> = new Map<unknown, Rules>([
  ['get', {}],
  ['commit', WRITE],
  ['perform', WRITE],
  ['resend', { ...WRITE, sentAt: TIME, age: DURATION }],
  [
    'list',
    {
      prefix: TEXT,
      after: optional(TEXT),
      limit: optional(LIMIT),
      reverse: optional(BOOLEAN),
      now: TIME,
      includeEntries: BOOLEAN,
    },
  ],
  ['len', { now: TIME }],
  ['clear', {}],
  ['clearPrefix', { prefix: TEXT }],
  ['drop', {}],
  ['turn', { leaseMs: LEASE, id: ID }],
  ['release', { turn: ID }],
  ['markIndexed', {}],
])

/** The rules of the fields of each step. A later version may have others: the group then fails. */
const STEPS: ReadonlyMap<unknown, Rules> = new Map<unknown, Rules>([
  ['insert', { value: VALUE, expiry: OPTIONAL_EXPIRY }],
  ['getOrInsert', { value: VALUE, expiry: OPTIONAL_EXPIRY }],
  ['increment', { by: ['a finite number', Number.isFinite], expiry: OPTIONAL_EXPIRY }],
  [
    'append',
    {
      max: optional(['a positive integer', (max) => max !== 0 && COUNT[1](max)]),
      expiry: OPTIONAL_EXPIRY,
    },
  ],
  ['touch', { expiry: EXPIRY }],
  ['pop', {}],
])

/**
 * Checks everything in a message but its version, its type and the values to store.
 *
 * @throws StoreError `INVALID_KEY`; `INVALID_VALUE` with the path of the field; `VERSION_MISMATCH` for a
 * kind of change that this version does not know
 */
export function checkMessage(message: object): void {
  const fields = message as Fields
  const { type } = fields
  const rules = REQUESTS.get(type) ?? {}
  checkFields(fields, rules, '')
  if (type === 'get' || type === 'turn') checkKeys(fields['keys'], 'keys')
  if ('messageId' in rules) checkWrite(fields)
}

function checkWrite({ changes, groupSizes }: Fields): void {
  const count = checkChanges(changes)
  if (!Array.isArray(groupSizes)) throw malformed('groupSizes', 'a list', groupSizes)
  let sum = 0
  for (let index = 0; index < groupSizes.length; index++) {
    const size: unknown = groupSizes[index]
    check(size, COUNT, 'groupSizes', index)
    sum += size as number
  }
  if (sum !== count) throw malformed('groupSizes', `numbers whose sum is ${count}`, sum)
}

/** @returns the number of changes */
function checkChanges(changes: unknown): number {
  if (!isObject(changes)) throw malformed('changes', 'an object', changes)
  const keys = checkKeys(changes['keys'], 'changes.keys')
  const { length } = keys
  const column = (name: string): readonly unknown[] => {
    const items = changes[name]
    if (Array.isArray(items) && items.length === length) return items
    throw malformed(`changes.${name}`, `a list of ${length} items`, items)
  }
  const optionalColumn = (name: string): readonly unknown[] | undefined =>
    changes[name] === undefined ? undefined : column(name)
  const values = column('values')
  const versions = column('versions')
  const bytes = column('bytes')
  const expires = optionalColumn('expires')
  const ifVersions = optionalColumn('ifVersions')
  const kinds = optionalColumn('kinds')
  for (let index = 0; index < length; index++) {
    check(ifVersions?.[index], OPTIONAL_CONDITION, 'changes.ifVersions', index)
    const kind = kinds?.[index]
    if (kind === 'remove' || kind === 'check') continue
    if (kind !== undefined && kind !== 'step')
      throw unsupported(`a change of the kind ${quote(kind)}`)
    check(versions[index], ID, 'changes.versions', index)
    check(bytes[index], SIZE, 'changes.bytes', index)
    if (kind === 'step') checkStep(values[index], `changes.values[${index}]`)
    else {
      check(values[index], VALUE, 'changes.values', index)
      check(expires?.[index], EXPIRES, 'changes.expires', index)
    }
  }
  return length
}

function checkStep(step: unknown, path: string): void {
  if (!isObject(step)) throw malformed(path, 'a step', step)
  const rules = STEPS.get(step['kind'])
  if (rules) checkFields(step, rules, `${path}.`)
}

function checkKeys(keys: unknown, path: string): readonly string[] {
  if (!Array.isArray(keys)) throw malformed(path, 'a list', keys)
  // A sparse list of a few bytes may have 4,294,967,295 items; its first hole ends the loop.
  for (const key of keys as unknown[]) checkKey(key, MAX_KEY_BYTES, 'A key in a message')
  return keys as string[]
}

/** @param path the path of the fields, with a dot at its end unless it is empty */
function checkFields(fields: Fields, rules: Rules, path: string): void {
  for (const name in rules) {
    const [expected, accepts] = rules[name] as Rule
    if (!accepts(fields[name])) throw malformed(path + name, expected, fields[name])
  }
}

function check(value: unknown, [expected, accepts]: Rule, column: string, index: number): void {
  if (!accepts(value)) throw malformed(`${column}[${index}]`, expected, value)
}

function optional([expected, accepts]: Rule): Rule {
  return [`${expected}, or absent`, (value) => value === undefined || accepts(value)]
}

function isFiniteOrAbsent(value: unknown): boolean {
  return value === undefined || Number.isFinite(value)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function malformed(path: string, expected: string, received: unknown): StoreError {
  return new StoreError(
    'INVALID_VALUE',
    `In a message to an object, ${path} must be ${expected}; received ${quote(received)}. Send messages through the adapter of botshelf only.`,
  )
}
