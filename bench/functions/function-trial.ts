import { assertSameList, createHistories, createValues } from '../content.ts'
import { required, type Task } from '../task.ts'
import { FUNCTION_CANDIDATES } from './candidates.ts'

const VALUES = 100
/** From this size on, a value is a list of messages. */
const HISTORY_BYTES = 1000

/** Calls a function of a candidate in a loop. All inputs exist beforehand. */
export class FunctionTrial {
  readonly #values: readonly unknown[]
  readonly #inputs: readonly unknown[]
  readonly #call: (input: unknown) => unknown
  /** Reads a result back before it is compared with its value. */
  readonly #read: (result: unknown) => unknown
  readonly #count: number

  constructor(candidate: string, { op, count, bytes = 200 }: Task) {
    const functions = required(FUNCTION_CANDIDATES[candidate])
    this.#count = count
    this.#read =
      op === 'encode'
        ? (required(functions.decode) as (result: unknown) => unknown)
        : (result) => result
    this.#values =
      bytes < HISTORY_BYTES ? createValues(VALUES, bytes) : createHistories(VALUES, bytes)
    switch (op) {
      case 'decode':
        this.#inputs = this.#values.map(required(functions.encode))
        this.#call = required(functions.decode) as (input: unknown) => unknown
        break
      case 'copy-out':
        this.#inputs = this.#values.map(required(functions['copy-unmeasured']))
        this.#call = required(functions['copy-out'])
        break
      case 'encode':
      case 'copy-measured':
      case 'copy-unmeasured':
        this.#inputs = this.#values
        this.#call = required(functions[op])
        break
      default:
        throw new RangeError(`Expected an operation of a function; received ${op}.`)
    }
  }

  /** Runs the task, and returns the last results, so that the engine cannot leave calls out. */
  run(): readonly unknown[] {
    const inputs = this.#inputs
    const call = this.#call
    const results: unknown[] = Array.from({ length: inputs.length })
    for (let done = 0; done < this.#count; done += inputs.length) {
      for (let i = 0; i < inputs.length; i++) results[i] = call(inputs[i])
    }
    return results
  }

  /** @throws Error if a copy or a text differs from its value, or a copy is the value itself */
  verify(results: readonly unknown[]): void {
    assertSameList(
      results.map((result) => this.#read(result)),
      this.#values,
      'The results',
    )
    if (results.some((result, i) => result === this.#inputs[i]))
      throw new Error('Expected a copy of each value; received the value itself.')
  }
}
