import { encode } from '../../../src/codec.ts'

/** A value as a backup holds it. */
export function stored(value: unknown): { value: string } {
  return { value: encode(value) }
}
