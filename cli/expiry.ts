import { CliError, EXIT } from './errors.ts'

/** The options that say when an entry expires. */
export interface ExpiryOptions {
  readonly ttl?: string | undefined
  readonly expires?: string | undefined
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/**
 * Reads the expiry; without one the result is empty.
 *
 * @throws CliError unless it is in the future
 */
export function readExpiry({ ttl, expires }: ExpiryOptions): { expires?: number } {
  if (ttl !== undefined && expires !== undefined) {
    throw new CliError(EXIT.usage, 'Give --ttl or --expires, not both.')
  }
  if (ttl !== undefined) {
    const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(ttl) ?? []
    const time = Date.now() + Math.round(Number(amount) * (UNITS_MS[unit] ?? Number.NaN))
    // A Date holds no time after the year 275760.
    if (Number(amount) > 0 && new Date(time).getTime() === time) return { expires: time }
    throw new CliError(
      EXIT.usage,
      `--ttl must be a time such as 30s, 10m, 12h or 7d; received ${JSON.stringify(ttl)}.`,
    )
  }
  if (expires === undefined) return {}
  const [day = ''] = /^\d{4}-\d\d-\d\d/.exec(expires) ?? []
  const time = isDay(day) ? Date.parse(expires) : Number.NaN
  if (time > Date.now()) return { expires: time }
  throw new CliError(
    EXIT.usage,
    `--expires must be a time in the future, such as 2027-01-31T12:00:00Z; received ${JSON.stringify(expires)}.`,
  )
}

/** Whether a day exists: Date.parse reads February 31 as March 3. */
function isDay(day: string): boolean {
  const time = Date.parse(day)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day)
}
