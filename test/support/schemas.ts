import type { SchemaIssue, SchemaResult, StandardSchema } from '../../src/index.ts'

/** Creates a Standard Schema by hand. */
export function createSchema<Output>(
  validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>,
): StandardSchema<unknown, Output> {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

/** Creates a schema that accepts every value and returns what `convert` makes of it. */
export function convertWith<Output>(
  convert: (value: unknown) => Output,
): StandardSchema<unknown, Output> {
  return createSchema((value) => ({ value: convert(value) }))
}

/** Creates a schema that refuses every value. */
export function refuseWith(...issues: readonly SchemaIssue[]): StandardSchema<unknown, never> {
  return createSchema(() => ({ issues }))
}

/** A schema of numbers that are at least 0. */
export const positive: StandardSchema<unknown, number> = createSchema((value) =>
  typeof value === 'number' && value >= 0
    ? { value }
    : { issues: [{ message: 'must be at least 0' }] },
)

/** A schema of lists of numbers. */
export const numbers: StandardSchema<unknown, number[]> = createSchema((value) => {
  const index = Array.isArray(value) ? value.findIndex((item) => typeof item !== 'number') : 0
  return index === -1
    ? { value: value as number[] }
    : { issues: [{ message: 'must be a number', path: [index] }] }
})
