import { expect, test } from 'vitest'
import {
  keepsErrors,
  encodeErrors,
  decodeErrors,
} from '../../../adapters/indexeddb/error-encoding.ts'
import { assertEqual } from '../../../src/conformance/assertions.ts'
import { VALID_VALUES } from '../../../src/conformance/values.ts'

// For a browser whose structured clone loses what caused an error; here it would not.

const HELD = VALID_VALUES.filter(({ reads }) => reads === undefined)

test.each(HELD)('stand-ins: $name survives, and no error is given to the browser', ({ make }) => {
  const value = make()
  const packed = encodeErrors(value)
  assertEqual(value, make(), 'the value that was packed')
  const clone = structuredClone(packed)
  expect(holdsError(clone)).toBe(false)
  assertEqual(decodeErrors(clone), make())
})

test('stand-ins: an object that looks like one is left alone', () => {
  const value = [{ name: 'Error', message: 'no' }, new Error('yes', { cause: undefined })]
  assertEqual(decodeErrors(structuredClone(encodeErrors(value))), value)
})

test('stand-ins: where there are none nothing is copied, and V8 needs none', () => {
  const value = { a: [1] }
  expect(encodeErrors(value)).toEqual({ value, standIns: [] })
  expect(encodeErrors(value).value).toBe(value)
  expect(keepsErrors()).toBe(true)
})

function holdsError(part: unknown, seen = new Set<unknown>()): boolean {
  if (typeof part !== 'object' || part === null || seen.has(part) || ArrayBuffer.isView(part)) {
    return false
  }
  seen.add(part)
  if (part instanceof Error) return true
  const parts =
    part instanceof Map ? [...part].flat() : part instanceof Set ? [...part] : Object.values(part)
  return parts.some((each) => holdsError(each, seen))
}
