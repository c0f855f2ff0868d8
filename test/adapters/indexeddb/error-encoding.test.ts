import { expect, test } from 'vitest'
import {
  canCloneErrors,
  decodeErrors,
  encodeErrors,
} from '../../../adapters/indexeddb/error-encoding.ts'
import { assertEqual } from '../../../src/conformance/assertions.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'

// WebKit needs this encoding; V8, which runs these tests, does not.

const VALUES = VALID_VALUES.filter(({ reads }) => reads === undefined)

test.each(VALUES)(
  '$name survives encoding and decoding, and the encoded value has no errors',
  ({ make }) => {
    const value = make()
    const encoded = encodeErrors(value)
    assertEqual(value, make(), 'the value that was encoded')
    const clone = structuredClone(encoded)
    expect(hasError(clone)).toBe(false)
    assertEqual(decodeErrors(clone), make())
  },
)

test('an object that looks like an encoded error is not decoded', () => {
  const value = [{ name: 'Error', message: 'no' }, new Error('yes', { cause: undefined })]
  assertEqual(decodeErrors(structuredClone(encodeErrors(value))), value)
})

test('a value without errors is not copied', () => {
  const value = { a: [1] }
  expect(encodeErrors(value)).toEqual({ value, encodedErrors: [] })
  expect(encodeErrors(value).value).toBe(value)
})

test('canCloneErrors() is true in V8', () => {
  expect(canCloneErrors()).toBe(true)
})

function hasError(part: unknown, seen = new Set<unknown>()): boolean {
  if (typeof part !== 'object' || part === null || seen.has(part) || ArrayBuffer.isView(part)) {
    return false
  }
  seen.add(part)
  if (part instanceof Error) return true
  const parts =
    part instanceof Map ? [...part].flat() : part instanceof Set ? [...part] : Object.values(part)
  return parts.some((each) => hasError(each, seen))
}
