import type { Scanner } from './scanner.ts'

const DIGITS: Readonly<Record<string, RegExp>> = {
  x: /^[\da-f]+$/,
  o: /^[0-7]+$/,
  b: /^[01]+$/,
}

/**
 * Reads an int or a float; `undefined` if there is none. An int is a number from
 * -9,007,199,254,740,991 to 9,007,199,254,740,991, the integers that a number holds exactly, and a
 * bigint beyond.
 */
export function readNumber(scanner: Scanner): number | bigint | undefined {
  const found = scanner.match(
    /([+-]?)(0[xob][\da-f_]*|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?[\d_]+)?)/iy,
  )
  if (found === undefined) return undefined
  const [, sign, text = ''] = found
  const start = scanner.position - text.length
  if (/[jJ]/.test(scanner.text[scanner.position] ?? '')) {
    scanner.position = start
    throw scanner.error(
      `a complex number cannot be stored; received ${scanner.next()}. Store a list.`,
    )
  }
  const digits = text.replaceAll('_', '').toLowerCase()
  const [, radix = '', radixDigits = ''] = /^0([xob])(.*)/.exec(digits) ?? []
  const isInteger = radix !== '' || /^\d+$/.test(digits)
  const isValid =
    radix === ''
      ? !isInteger || !/^0\d*[1-9]/.test(digits)
      : DIGITS[radix]?.test(radixDigits) === true
  if (!isValid || (!isInteger && !Number.isFinite(Number(digits)))) {
    scanner.position = start
    throw scanner.error(`expected a number; received ${scanner.next()}. Correct its digits.`)
  }
  if (!isInteger) return sign === '-' ? -Number(digits) : Number(digits)
  const integer = sign === '-' ? -BigInt(digits) : BigInt(digits)
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}
