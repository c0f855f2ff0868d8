/** A value that every backend must store. */
interface ValidValue {
  readonly name: string
  /** Returns a new copy on each call. */
  readonly make: () => unknown
  /** Returns what is read back, where that is not equal to what was written. */
  readonly reads?: () => unknown
}

/** Values of every type that can be stored. */
export const VALID_VALUES: readonly ValidValue[] = [
  { name: 'null', make: () => null },
  { name: 'booleans', make: () => [true, false] },
  { name: 'falsy-and-empty', make: () => [0, '', false, null, [], {}] },
  { name: 'numbers', make: () => [1.5, -1, 2 ** 53, 5e-324, 1.7e308] },
  { name: 'special-numbers', make: () => [Number.NaN, Infinity, -Infinity, -0] },
  { name: 'strings', make: () => ['', 'plain', 'ümläut', '日本語', '🤖', '\u0000\u001f"\\\u2028'] },
  { name: 'lone-surrogates', make: () => ['\ud800', 'a\udc00b', '\udc00\ud800'] },
  { name: 'long-string', make: () => 'ß'.repeat(300_000) },
  { name: 'bigints', make: () => [0n, -1n, 2n ** 80n, -(2n ** 80n)] },
  { name: 'largest-bigints', make: () => [2n ** 262_144n - 1n, 1n - 2n ** 262_144n] },
  { name: 'date', make: () => new Date(1_190_000_000_123) },
  { name: 'invalid-date', make: () => new Date(Number.NaN) },
  { name: 'regexp', make: () => [/a[/]b\n/giu, /^$/] },
  {
    name: 'map',
    make: () =>
      new Map<unknown, unknown>([
        ['a', 1],
        [{ k: 1 }, [2]],
        [Number.NaN, new Map()],
      ]),
  },
  { name: 'set', make: () => new Set<unknown>([1, 'a', { k: 1 }, new Set()]) },
  { name: 'array-buffer', make: () => new Uint8Array([0, 127, 128, 255]).buffer },
  { name: 'empty-buffer', make: () => [new ArrayBuffer(0), new Uint8Array(0)] },
  { name: 'bytes', make: () => new Uint8Array(1000).map((_, i) => i) },
  {
    name: 'typed-arrays',
    make: () => [
      new Int8Array([-128, 127]),
      new Uint8ClampedArray([0, 255]),
      new Int16Array([-32768]),
      new Uint16Array([65535]),
      new Int32Array([-(2 ** 31)]),
      new Uint32Array([2 ** 32 - 1]),
      new Float32Array([1.5, Number.NaN]),
      new Float64Array([Math.PI, -0]),
      new BigInt64Array([-(2n ** 63n)]),
      new BigUint64Array([2n ** 64n - 1n]),
    ],
  },
  { name: 'data-view', make: () => new DataView(new Uint8Array([1, 2, 3]).buffer) },
  {
    name: 'view-of-part-of-buffer',
    make: () => [
      new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
      new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 2),
    ],
    reads: () => [new Uint8Array([2, 3]), new DataView(new Uint8Array([3, 4]).buffer)],
  },
  {
    name: 'errors',
    make: () => [
      new Error('plain'),
      new EvalError(''),
      new RangeError('r'),
      new ReferenceError('r'),
      new SyntaxError('s'),
      new TypeError('t'),
      new URIError('u'),
    ],
  },
  {
    name: 'error-cause',
    make: () =>
      new Error('outer', { cause: new TypeError('inner', { cause: { at: new Date(5) } }) }),
  },
  { name: 'array', make: () => [1, [2, [3]], 'four'] },
  { name: 'array-holes', make: () => Object.assign([], { length: 5, 1: undefined, 3: 'x' }) },
  { name: 'sparse-array', make: () => Object.assign([], { 1_000_000: 'far' }) },
  { name: 'object', make: () => ({ a: 1, 'b c': 2, '': 3, 7: 4, ä: { deep: [5] } }) },
  {
    name: 'built-in-property-names',
    make: () =>
      Object.fromEntries(
        ['constructor', 'toString', 'hasOwnProperty', 'then', 'valueOf'].map((name) => [name, 1]),
      ),
  },
  { name: 'nested-undefined', make: () => ({ a: undefined, b: [undefined] }) },
  {
    name: 'shared-reference',
    make: () => {
      const shared = { x: 1 }
      return { a: shared, b: [shared], c: new Map([[shared, shared]]) }
    },
  },
  {
    name: 'cycle',
    make: () => {
      const root: { self?: unknown; list: unknown[]; map: Map<string, unknown> } = {
        list: [],
        map: new Map(),
      }
      root.self = root
      root.list.push(root.list, root)
      root.map.set('root', root)
      return root
    },
  },
  {
    name: 'shared-error',
    make: () => {
      const inner = new RangeError('inner', { cause: 'none' })
      const error = new TypeError('outer', { cause: [inner, undefined] })
      return { error, list: [error, inner], map: new Map([[error, new Set([inner, error])]]) }
    },
  },
  {
    name: 'error-in-cycle',
    make: () => {
      const root: { error?: Error } = {}
      root.error = new Error('inside', { cause: root })
      return root
    },
  },
  { name: 'deeply-nested', make: () => nested(1000) },
  {
    name: 'null-prototype',
    make: () => Object.assign(Object.create(null), { a: 1 }),
    reads: () => ({ a: 1 }),
  },
  {
    name: 'proxy',
    make: () => new Proxy({ a: 1 }, { get: () => 'from the proxy' }),
    reads: () => ({ a: 'from the proxy' }),
  },
  {
    name: 'getter',
    make: () => ({
      get now() {
        return 'from the getter'
      },
    }),
    reads: () => ({ now: 'from the getter' }),
  },
  {
    name: 'rpc-results',
    make: () => [
      asRpcResult({ a: [1] }),
      asRpcResult([1, { a: 1 }]),
      asRpcResult(new Map([['k', 1]])),
      asRpcResult(new Set([1])),
      asRpcResult(new Date(5)),
      asRpcResult(/a/g),
      asRpcResult(new Uint8Array([1])),
      asRpcResult(new Uint8Array([1]).buffer),
    ],
    reads: () => [
      { a: [1] },
      [1, { a: 1 }],
      new Map([['k', 1]]),
      new Set([1]),
      new Date(5),
      /a/g,
      new Uint8Array([1]),
      new Uint8Array([1]).buffer,
    ],
  },
]

/** Values that every store rejects, with the path that the error names. */
export const INVALID_VALUES: readonly {
  readonly name: string
  readonly make: () => unknown
  readonly path: string
}[] = [
  { name: 'undefined', make: () => undefined, path: '$' },
  { name: 'function', make: () => ({ run: () => 1 }), path: '$.run' },
  { name: 'symbol', make: () => [Symbol('s')], path: '$[0]' },
  { name: 'symbol-key', make: () => ({ notes: { [Symbol('s')]: 1 } }), path: '$.notes' },
  {
    name: 'symbol-key-beside-dispose',
    make: () => [Object.assign(asRpcResult({}), { [Symbol('s')]: 1 })],
    path: '$[0]',
  },
  {
    name: 'dispose-method',
    make: () => ({ handle: { [Symbol.dispose ?? Symbol('dispose')]: () => {} } }),
    path: '$.handle',
  },
  { name: 'promise', make: () => ({ later: Promise.resolve(1) }), path: '$.later' },
  {
    name: 'class-instance',
    make: () => ({ notes: [0, { when: new Moment() }] }),
    path: '$.notes[1].when',
  },
  { name: 'map-subclass', make: () => new (class extends Map {})(), path: '$' },
  { name: 'array-subclass', make: () => new (class extends Array {})(), path: '$' },
  {
    name: 'error-subclass',
    make: () => ({ e: new (class KeyError extends Error {})('k') }),
    path: '$.e',
  },
  {
    name: 'error-with-property',
    make: () => Object.assign(new Error('k'), { code: 'E' }),
    path: '$',
  },
  { name: 'aggregate-error', make: () => new AggregateError([new Error('lost')]), path: '$' },
  { name: 'boxed-number', make: () => [Object(1)], path: '$[0]' },
  { name: 'boxed-string', make: () => [Object('s')], path: '$[0]' },
  { name: 'boxed-boolean', make: () => [Object(true)], path: '$[0]' },
  {
    name: 'array-with-property',
    make: () => ({ list: Object.assign([1], { extra: 2 }) }),
    path: '$.list',
  },
  { name: 'map-with-property', make: () => Object.assign(new Map(), { extra: 2 }), path: '$' },
  {
    name: 'non-enumerable-property',
    make: () => Object.defineProperty({}, 'hidden', { value: 1 }),
    path: '$',
  },
  {
    name: 'own-proto-property',
    make: () => ({ a: JSON.parse('{"__proto__":1}') as unknown }),
    path: '$.a',
  },
  { name: 'detached-buffer', make: () => ({ b: detached() }), path: '$.b' },
  { name: 'view-of-detached-buffer', make: () => ({ b: detachedView() }), path: '$.b' },
  { name: 'huge-bigint', make: () => ({ n: 2n ** 262_144n }), path: '$.n' },
  { name: 'huge-negative-bigint', make: () => [-(2n ** 262_144n)], path: '$[0]' },
  { name: 'blob', make: () => new Map([['b', new Blob(['x'])]]), path: '$.get("b")' },
  { name: 'url', make: () => new Set([new URL('https://example.com')]), path: '$<item 0>' },
  { name: 'weak-map', make: () => new Map([[new WeakMap(), 1]]), path: '$<key 0>' },
  { name: 'too-deeply-nested', make: () => nested(1100), path: `$${'[0]'.repeat(1000)}` },
  {
    name: 'throwing-getter',
    make: () => ({
      get a(): never {
        throw new Error('not now')
      },
    }),
    path: '$.a',
  },
  {
    name: 'error-cause-cycle',
    make: () => {
      const error = new Error('cyclic')
      error.cause = { error }
      return error
    },
    path: '$.cause.error',
  },
  ...(typeof SharedArrayBuffer === 'function'
    ? [{ name: 'shared-buffer', make: () => new Uint8Array(new SharedArrayBuffer(4)), path: '$' }]
    : []),
  {
    name: 'error-with-invalid-cause',
    make: () => new Error('x', { cause: { f: () => 1 } }),
    path: '$.cause.f',
  },
]

class Moment {
  at = 1
}

/** Adds the property that workerd (1.20261102) adds to each result of an RPC. */
function asRpcResult<T extends object>(value: T): T {
  // Absent in older engines.
  const dispose = Symbol.dispose as symbol | undefined
  if (dispose === undefined) return value
  return Object.defineProperty(value, dispose, { value: () => {}, writable: true })
}

/** Returns arrays nested to a depth of `levels`. */
function nested(levels: number): unknown {
  let value: unknown[] = []
  for (let i = 1; i < levels; i++) value = [value]
  return value
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8)
  structuredClone(buffer, { transfer: [buffer] })
  return buffer
}

function detachedView(): Uint8Array {
  const view = new Uint8Array(8)
  structuredClone(view.buffer, { transfer: [view.buffer] })
  return view
}
