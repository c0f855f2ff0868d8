import { encode } from '../codec.ts'
import type { KeyRead, KeyWrite } from './call-record.ts'

/** What a key holds. `text` is equal for equal values. */
export interface KeyState {
  readonly value: unknown
  readonly text: string
  /** Whether the value has an expiry. It may be missing from then on, at a time that is not known. */
  readonly expires: boolean
}

/** What a call does to one key. */
export interface KeyEffect {
  readonly key: string
  /** Equal effects have equal texts. */
  readonly text: string
  /** The text of the state that it needs; `undefined`: it depends on more than one text. */
  readonly needs: string | undefined
  /** The texts of the states that it may lead to, other than the one before; `undefined`: any. */
  readonly makes: readonly string[] | undefined
  /** Whether it depends on a value, other than one that it needs. */
  readonly usesValue: boolean
  /** Whether it may change the expiry of the key. */
  readonly changesExpiry: boolean
  /** Returns the state after the call; `false`: the call cannot have had its result. */
  apply(state: KeyState | undefined): KeyState | undefined | false
}

/** Creates the state of a value. */
export function toKeyState(value: unknown, expires = false): KeyState {
  return { value, text: textOfValue(value), expires }
}

/** Returns a text that is equal for equal values. */
export function textOfValue(value: unknown): string {
  return value === undefined ? '' : encode(value)
}

/** The effect of reading a value, or `undefined`: that the key is missing. */
export function readValue(key: string, value: unknown): KeyEffect {
  const text = textOfValue(value)
  return {
    key,
    text: `read ${text}`,
    needs: text,
    makes: [],
    usesValue: false,
    changesExpiry: false,
    apply: (state) => (state?.text ?? '') === text && state,
  }
}

export function readExists(key: string, exists: boolean): KeyEffect {
  return {
    key,
    text: `exists ${exists}`,
    needs: exists ? undefined : '',
    makes: [],
    usesValue: false,
    changesExpiry: false,
    apply: (state) => (state !== undefined) === exists && state,
  }
}

export function readOf({ key, value, exists }: KeyRead): KeyEffect {
  return exists ? readExists(key, true) : readValue(key, value)
}

export function write({ key, value, expires = false }: KeyWrite): KeyEffect {
  const next = value === undefined ? undefined : toKeyState(value, expires)
  return {
    key,
    text: `write ${next?.text ?? ''} ${expires}`,
    needs: undefined,
    makes: [next?.text ?? ''],
    usesValue: false,
    changesExpiry: expires,
    apply: () => next,
  }
}

export function both(first: KeyEffect, second: KeyEffect): KeyEffect {
  return {
    key: first.key,
    text: `${first.text}, ${second.text}`,
    needs: first.needs,
    makes: second.makes,
    usesValue: first.usesValue,
    changesExpiry: second.changesExpiry,
    apply(state) {
      const next = first.apply(state)
      return next !== false && second.apply(next)
    },
  }
}
