import { isStoreError } from '../../src/index.ts'
import { errorOf, messageOf, name } from './describe-operation.ts'
import { DAMAGED, keysOf, MALFORMED } from './operations.ts'
import type { FuzzRun, IssuedOperation } from './run-case.ts'

export const LISTING_KINDS = ['size', 'keys', 'entries']
const UPDATING_KINDS = [
  'update',
  'mutable',
  'getOrInsert',
  'pop',
  'insert',
  'increment',
  'append',
  'touch',
  'transaction',
]
const READING_KINDS = ['get', 'has', 'record', 'getMany', ...UPDATING_KINDS]

/** Every failure has a cause in its own operation or calls, and its error names its own key. */
export function causeViolations({
  issued,
  nested,
  storage,
  closesEarly,
  violations,
}: FuzzRun): string[] {
  const found = [...violations]
  for (const one of [...issued, ...nested]) {
    const error = errorOf(one)
    if (error === undefined) continue
    const hasCause =
      isOwnError(one, error) ||
      isFaultError(one, error, storage.firedFaults) ||
      (closesEarly && isCloseError(error))
    if (!hasCause) {
      found.push(`${name(one)} failed without a cause: ${messageOf(error)}`)
    }
    if (error === one.ownError) continue
    if (!isStoreError(error)) found.push(`${name(one)} failed with ${messageOf(error)}`)
    else if (error.key !== undefined && ![...keysOf(one.op), 'unnamed'].includes(error.key)) {
      found.push(`${name(one)} failed for the key ${error.key}`)
    }
  }
  return found
}

/** Whether an operation may be rejected so because its store was closed before it ran. */
function isCloseError(error: unknown): boolean {
  return (
    isStoreError(error) &&
    (error.code === 'STORE_NOT_OPEN' || error.code === 'TIMEOUT') &&
    error.outcome === 'not-applied'
  )
}

/** Whether the operation may cause this error. */
function isOwnError({ op, ownError }: IssuedOperation, error: unknown): boolean {
  if (error === ownError) return 'action' in op && op.action === 'throw'
  if (!isStoreError(error)) return false
  const kind = 'value' in op ? op.value : 'action' in op ? op.action : undefined
  // The value may be of another type than the step needs.
  const needsType = op.kind === 'increment' || op.kind === 'append'
  switch (error.code) {
    case 'INVALID_KEY':
      return keysOf(op).includes(MALFORMED) || kind === 'unnamed'
    case 'INVALID_VALUE':
      return kind === 'invalid' || needsType
    case 'TOO_LARGE':
      return kind === 'refused' && error.outcome === 'not-applied'
    case 'CORRUPT':
      return READING_KINDS.includes(op.kind) && keysOf(op).includes(DAMAGED)
    default:
      return false
  }
}

/** Whether a failed call for one of its keys may cause this error. */
export function isFaultError(
  { op }: IssuedOperation,
  error: unknown,
  firedFaults: FuzzRun['storage']['firedFaults'],
): boolean {
  if (!isStoreError(error)) return false
  return firedFaults.some(({ on, code, keys }) => {
    if (error.code !== code) return false
    if (on === 'list') return LISTING_KINDS.includes(op.kind)
    if (on === 'clear' || op.kind === 'clear') return on === op.kind
    const reads = READING_KINDS.includes(op.kind)
    const writes = !reads || UPDATING_KINDS.includes(op.kind)
    // A retried read might show a later write of a commit that may have been applied.
    const isAmbiguous = on === 'write' && reads && error.outcome === 'unknown'
    if (on === 'read' ? !reads : !writes && !isAmbiguous) return false
    return keys === undefined || keysOf(op).some((key) => keys.includes(key))
  })
}
