import { encode } from '../../../src/codec.ts'

/** Encodes a value as a backup has it. */
export function stored(value: unknown): { value: string } {
  return { value: encode(value) }
}
