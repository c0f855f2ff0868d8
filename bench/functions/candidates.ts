import { decode, encode } from '../../src/codec.ts'
import { copyValue, recopy } from '../../src/value/copy-value.ts'
import * as previous from './previous-copy.ts'

/** The functions that are measured, by the operation of their task. Each takes one value. */
export interface FunctionCandidate {
  /** Checks, copies and measures, as a `set` on a backend that limits the size of a value. */
  readonly 'copy-measured'?: (value: unknown) => unknown
  /** Checks and copies, as a `set` on a backend without such a limit. */
  readonly 'copy-unmeasured'?: (value: unknown) => unknown
  /** Copies a stored value, as a `get`. */
  readonly 'copy-out'?: (value: unknown) => unknown
  readonly encode?: (value: unknown) => string
  readonly decode?: (text: string) => unknown
}

/** The limits of a Durable Object. */
const LIMITS = { maxBytes: 2 ** 21, keyBytes: 10 }
/** Those of Memory and IndexedDB. */
const NO_LIMITS = { maxBytes: Infinity, keyBytes: 10 }

export const FUNCTION_CANDIDATES: Readonly<Record<string, FunctionCandidate>> = {
  botshelf: {
    'copy-measured': (value) => copyValue(value, LIMITS).value,
    'copy-unmeasured': (value) => copyValue(value, NO_LIMITS).value,
    'copy-out': recopy,
    encode,
    decode,
  },
  'previous-copy': {
    'copy-measured': (value) => previous.copyValue(value, LIMITS).value,
    'copy-unmeasured': (value) => previous.copyValue(value, NO_LIMITS).value,
    'copy-out': previous.recopy,
  },
  json: { encode: (value) => JSON.stringify(value), decode: (text) => JSON.parse(text) },
}
