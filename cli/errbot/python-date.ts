import type { Scanner } from './scanner.ts'

/** Matches the arguments of `datetime.datetime`, as `repr()` writes them. */
const DATETIME_ARGUMENTS =
  /\(\s*(\d+(?:\s*,\s*\d+){2,6})(?:\s*,\s*fold=[01])?(?:\s*,\s*tzinfo=(datetime\.timezone\.utc|datetime\.timezone\(datetime\.timedelta\((?:0|(?:days=(-?\d+))?(?:, )?(?:seconds=(\d+))?)\)(?:, '[^'\\]*')?\)))?\s*\)/y
const DATE_ARGUMENTS = /\(\s*(\d+\s*,\s*\d+\s*,\s*\d+)\s*\)/y

/**
 * Reads the arguments of `datetime.datetime` or `datetime.date`. Without a time zone the time is UTC.
 * Microseconds are cut to milliseconds.
 */
export function readDate(scanner: Scanner, name: string): Date {
  const start = scanner.position
  const found = scanner.match(name === 'datetime.date' ? DATE_ARGUMENTS : DATETIME_ARGUMENTS)
  if (found === undefined) {
    throw scanner.error(
      `expected ${name} with numbers, and no time zone but UTC or a fixed offset. Convert the time to UTC.`,
    )
  }
  const [, numbers = '', , days = 0, seconds = 0] = found
  const [year = '', month = '', day = '', hour = '0', minute = '0', second = '0', micros = '0'] =
    numbers.split(',').map((number) => number.trim())
  const text = `${year.padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}.${micros.padStart(6, '0').slice(0, -3)}Z`
  const time = Date.parse(text)
  // Date.parse accepts some numbers that are out of range, such as a February 30.
  if (Number.isNaN(time) || new Date(time).toISOString() !== text) {
    throw scanner.error(
      `expected a time that exists in the call of ${name}. Correct its numbers.`,
      start,
    )
  }
  return new Date(time - (Number(days) * 86_400 + Number(seconds)) * 1000)
}

function two(digits: string): string {
  return digits.padStart(2, '0')
}
