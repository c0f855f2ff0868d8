import {
  builtInName,
  describe,
  ERROR_PROPERTIES,
  ERRORS,
  isDetached,
  type ViewConstructor,
} from './built-in.js'
import { quote, StoreError } from './errors.js'

/** A private copy of a value, and how much room it takes. */
export interface Copy {
  readonly value: unknown
  /**
   * At least what a structured clone of the value takes in V8's format, in bytes: text in Latin-1
   * counts one byte a character, other text two. What `copyValue` was told to begin with is in it.
   */
  readonly bytes: number
}

/** How deep a value may nest. */
export const MAX_DEPTH = 1000

/**
 * How many bits a bigint may have. Reading and writing its digits takes more time than they are
 * long; Firefox and Safari make none of more than 2^20 bits.
 */
export const MAX_BIGINT_BITS: number = 2 ** 18
const BIGINT_END = 2n ** BigInt(MAX_BIGINT_BITS)
const BIGINT_START = -BIGINT_END

/**
 * Checks, copies and measures a value in one pass, at the time of the call.
 *
 * @throws StoreError `INVALID_VALUE` with the path of what cannot be stored, `TOO_LARGE` as soon
 * as the copy passes `maxBytes`
 * @param firstBytes what counts before the value, its key for one
 */
export function copyValue(
  value: unknown,
  maxBytes: number = Number.POSITIVE_INFINITY,
  firstBytes = 0,
): Copy {
  const copier = new Copier(MAX_DEPTH, true, maxBytes, firstBytes)
  return { value: copier.run(value), bytes: copier.bytes }
}

/**
 * Checks and copies a value without measuring it. A text of a megabyte that a list names a
 * thousand times takes a gigabyte by the measure; here it is not looked at.
 *
 * @throws StoreError `INVALID_VALUE` with the path of what cannot be stored
 */
export function cloneValue(value: unknown, maxDepth: number = MAX_DEPTH): unknown {
  return new Copier(maxDepth, false).run(value)
}

/** How many bytes of UTF-8 a well-formed text takes. */
export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length
}

// A path is property names, array indexes, and ready-made text for what has no such name.
type Step = string | number | readonly [string]

class Copier {
  bytes: number
  readonly #maxDepth: number
  readonly #measures: boolean
  readonly #max: number
  readonly #path: Step[] = []
  readonly #seen = new Map<object, unknown>()
  readonly #errors = new Set<object>()

  constructor(
    maxDepth: number,
    measures: boolean,
    max: number = Number.POSITIVE_INFINITY,
    first = 0,
  ) {
    this.#maxDepth = maxDepth
    this.#measures = measures
    this.#max = max
    this.bytes = first
  }

  run(value: unknown): unknown {
    if (value === undefined) {
      throw new StoreError(
        'INVALID_VALUE',
        'Cannot be stored: $ is undefined, which is what a missing key reads as. Use delete() to remove one.',
      )
    }
    try {
      return this.#copy(value)
    } catch (error) {
      if (error instanceof StoreError) throw error
      // A getter or a Proxy trap threw, or an object was not what its prototype says.
      throw this.#refuse('cannot be read', error)
    }
  }

  #copy(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.#addText(value)
        return value
      case 'number':
        this.#add(9)
        return value
      case 'boolean':
      case 'undefined':
        this.#add(1)
        return value
      case 'bigint':
        if (value >= BIGINT_END || value <= BIGINT_START)
          throw this.#refuse(`is a bigint of more than ${MAX_BIGINT_BITS} bits`)
        if (this.#measures) this.#add(16 + value.toString(16).length / 2)
        return value
      case 'object':
        if (value !== null) return this.#object(value)
        this.#add(1)
        return null
      default:
        throw this.#refuse(`is a ${typeof value}`)
    }
  }

  #object(value: object): unknown {
    if (this.#seen.has(value)) {
      // V8 writes such a structured clone, and can never read it again.
      if (this.#errors.has(value)) throw this.#refuse('is an error within its own cause')
      this.#add(6)
      return this.#seen.get(value)
    }
    if (this.#path.length >= this.#maxDepth)
      throw this.#refuse(`nests more than ${this.#maxDepth} levels deep`)
    this.#add(16)
    const name = builtInName(value)
    switch (name) {
      case 'Object':
        return this.#plain(value as Record<string, unknown>)
      case 'Array':
        return this.#array(value as unknown[])
      case 'Map':
        return this.#map(value as Map<unknown, unknown>)
      case 'Set':
        return this.#set(value as Set<unknown>)
      case 'Date':
        this.#noExtras(value)
        return this.#keep(value, new Date(Date.prototype.getTime.call(value)))
      case 'RegExp':
        return this.#regExp(value as RegExp)
      case 'ArrayBuffer':
        this.#noExtras(value)
        return this.#buffer(value as ArrayBuffer)
      default:
        if (ArrayBuffer.isView(value)) return this.#view(value, name)
        if (name !== undefined && name in ERRORS) return this.#error(value as Error, name)
        throw this.#refuse(`is ${describe(value, name)}`)
    }
  }

  #plain(value: Record<string, unknown>): unknown {
    const keys = Object.keys(value)
    this.#noHidden(value, keys.length)
    const copy: Record<string, unknown> = {}
    this.#seen.set(value, copy)
    for (const key of keys) {
      if (key === '__proto__') throw this.#refuse('has an own property "__proto__"')
      this.#addText(key)
      this.#path.push(key)
      copy[key] = this.#copy(value[key])
      this.#path.pop()
    }
    return copy
  }

  #array(value: unknown[]): unknown {
    const copy: unknown[] = []
    this.#seen.set(value, copy)
    // Whoever reads the value back makes room for every element and hole. Looked at first, since
    // the keys of a large array are many.
    this.#add(value.length)
    const keys = Object.keys(value)
    this.#noHidden(value, keys.length + 1)
    if (value.length > SPARSE_LENGTH + 4 * keys.length) makeSparse(copy, value.length)
    for (const key of keys) {
      // Indexes come first, in ascending order; whatever is not one is an extra property.
      const index = Number(key)
      if (!(index < value.length) || String(index) !== key)
        throw this.#refuse(`has a property ${quote(key)} besides its elements`)
      this.#add(6)
      copy[index] = this.#at(index, value[index])
    }
    copy.length = value.length
    return copy
  }

  #map(value: Map<unknown, unknown>): unknown {
    this.#noExtras(value)
    const copy = new Map()
    this.#seen.set(value, copy)
    let index = 0
    Map.prototype.forEach.call(value, (item, key) => {
      const name = typeof key === 'string' ? quote(key) : `<key ${index}>`
      const copiedKey = this.#at([`<key ${index}>`], key)
      copy.set(copiedKey, this.#at([`.get(${name})`], item))
      index++
    })
    return copy
  }

  #set(value: Set<unknown>): unknown {
    this.#noExtras(value)
    const copy = new Set()
    this.#seen.set(value, copy)
    let index = 0
    Set.prototype.forEach.call(value, (item) => {
      copy.add(this.#at([`<item ${index++}>`], item))
    })
    return copy
  }

  #regExp(value: RegExp): unknown {
    // `lastIndex` is every RegExp's own; it is no part of the domain and starts again at 0.
    if (Reflect.ownKeys(value).length > 1) throw this.#refuse('has properties of its own')
    const { source, flags } = value
    this.#addText(source)
    return this.#keep(value, new RegExp(source, flags))
  }

  #buffer(value: ArrayBuffer): unknown {
    if (isDetached(value)) throw this.#refuse('is a detached ArrayBuffer')
    this.#add(value.byteLength)
    return this.#keep(value, copyBytes(value, 0, value.byteLength))
  }

  // A view is its own bytes; what else its buffer holds is not part of it.
  #view(value: ArrayBufferView, name: string | undefined): unknown {
    const Type = (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name ?? '']
    if (name === undefined || Type === undefined)
      throw this.#refuse(`is ${describe(value, name)}; store a Uint8Array`)
    const { buffer } = value
    if (builtInName(buffer) !== 'ArrayBuffer')
      throw this.#refuse('is a view of a SharedArrayBuffer')
    if (isDetached(buffer as ArrayBuffer)) throw this.#refuse('is a view of a detached ArrayBuffer')
    this.#add(32 + value.byteLength)
    return this.#keep(
      value,
      new Type(copyBytes(buffer as ArrayBuffer, value.byteOffset, value.byteLength)),
    )
  }

  #error(value: Error, name: string): unknown {
    for (const key of Reflect.ownKeys(value)) {
      if (ERROR_PROPERTIES.has(key)) continue
      if (key === 'name' && value.name === name) continue
      if (typeof key === 'symbol') throw this.#refuse('has a symbol key')
      throw this.#refuse(
        `is an error with a property ${quote(key)}; only name, message and cause are kept`,
      )
    }
    const { message } = value
    if (typeof message !== 'string') throw this.#refuse('is an error whose message is no text')
    const copy = new (ERRORS[name] as ErrorConstructor)(message)
    this.#seen.set(value, copy)
    // Where it was copied is nobody's business, and a stack differs from engine to engine.
    Object.defineProperty(copy, 'stack', {
      value: `${name}: ${message}`,
      writable: true,
      configurable: true,
    })
    this.#add(48)
    // Its stack begins with it.
    this.#addText(message)
    this.#addText(message)
    if (Object.hasOwn(value, 'cause')) {
      this.#errors.add(value)
      const cause = this.#at('cause', value.cause)
      this.#errors.delete(value)
      Object.defineProperty(copy, 'cause', { value: cause, writable: true, configurable: true })
    }
    return copy
  }

  #at(step: Step, value: unknown): unknown {
    this.#path.push(step)
    const copy = this.#copy(value)
    this.#path.pop()
    return copy
  }

  #keep<T>(value: object, copy: T): T {
    this.#seen.set(value, copy)
    return copy
  }

  #add(bytes: number): void {
    this.bytes += bytes
    if (this.bytes > this.#max) {
      throw new StoreError(
        'TOO_LARGE',
        `The value is too large: with its key it takes more than ${this.#max} bytes.`,
      )
    }
  }

  #addText(text: string): void {
    if (!this.#measures) return
    // Its length is held against the limit before its characters are looked at.
    this.#add(6 + text.length)
    // One character beyond Latin-1 makes V8 write two bytes a character.
    if (/[\u0100-\uffff]/.test(text)) this.#add(2 + text.length)
  }

  #noExtras(value: object): void {
    if (Reflect.ownKeys(value).length > 0) throw this.#refuse('has properties of its own')
  }

  #noHidden(value: object, visible: number): void {
    const all = Reflect.ownKeys(value)
    if (all.length === visible) return
    const symbol = all.some((key) => typeof key === 'symbol')
    throw this.#refuse(symbol ? 'has a symbol key' : 'has a property that is not enumerable')
  }

  #refuse(what: string, cause?: unknown): StoreError {
    const where = `$${this.#path.map(shown).join('')}`
    const details = cause === undefined ? {} : { cause }
    return new StoreError('INVALID_VALUE', `Cannot be stored: ${where} ${what}.`, details)
  }
}

function copyBytes(buffer: ArrayBuffer, from: number, length: number): ArrayBuffer {
  const copy = new ArrayBuffer(length)
  new Uint8Array(copy).set(new Uint8Array(buffer, from, length))
  return copy
}

// An array of no more than so many holes may take room for each of them.
const SPARSE_LENGTH = 64

/** V8 makes room for each hole of an array, up to many millions, unless it has had a far element. */
function makeSparse(array: unknown[], length: number): void {
  const last = 2 ** 32 - 2
  array[last] = 0
  Reflect.deleteProperty(array, last)
  array.length = length
}

function shown(step: Step): string {
  if (typeof step === 'number') return `[${step}]`
  if (typeof step === 'object') return step[0]
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step) ? `.${step}` : `[${quote(step)}]`
}
