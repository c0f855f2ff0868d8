import * as fc from 'fast-check'

/** Any value of the value domain, with nesting, and `undefined`. */
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false, undefined, Number.NaN, -0, Infinity),
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array().map((bytes) => bytes.buffer),
    fc.int16Array(),
    fc.float64Array(),
    fc.constantFrom(/a/u, /[/]\n/gimsy),
    fc.string().map((message) => new RangeError(message)),
    fc.array(tie('value')),
    fc.array(tie('value')).map((list) => new Set(list)),
    fc.array(fc.tuple(tie('value'), tie('value'))).map((pairs) => new Map(pairs)),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { noNullPrototype: true },
    ),
    fc.sparseArray(tie('value')),
    tie('value').map((cause) => new Error('outer', { cause })),
  ),
})).value

/** Any value that can be stored. */
export const storableValue: fc.Arbitrary<unknown> = anything.filter((value) => value !== undefined)
