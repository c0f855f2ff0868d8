// The types of keys and values that a store and its transactions share.

/** The keys of a store with values of shape `T`. */
export type KeyOf<T extends object> = keyof T & string

/** The keys of a store whose values may be numbers: those that `increment` takes. */
export type NumberKeyOf<T extends object> = {
  [K in KeyOf<T>]: number extends T[K] ? K : never
}[KeyOf<T>]

/** The keys of a store whose values may be lists: those that `append` takes. */
export type ListKeyOf<T extends object> = {
  [K in KeyOf<T>]: unknown extends T[K]
    ? K
    : [Extract<T[K], readonly unknown[]>] extends [never]
      ? never
      : K
}[KeyOf<T>]

/** An item of a list. */
export type ItemOf<V> = unknown extends V
  ? unknown
  : V extends readonly (infer Item)[]
    ? Item
    : never

/** A key with its value, as in a `Map`. */
export type StoreEntry<T extends object> = [key: KeyOf<T>, value: T[KeyOf<T>]]

/** A function that takes the current value and returns the next one; `undefined` removes the key. */
export type Updater<V> = (current: V | undefined) => V | undefined | Promise<V | undefined>

/** A value with its expiry, and with its version if it has one. */
export interface StoreRecord<V> {
  readonly value: V
  /** When the value expires, in milliseconds since 1970; absent: never. */
  readonly expires?: number
  /**
   * The version of the value, if a store that was opened with `version` wrote it. Absent in a store
   * that has a version itself.
   */
  readonly version?: number
}
