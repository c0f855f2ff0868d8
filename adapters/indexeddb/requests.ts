/** What requests result in, one by one. */
export type Results<R extends readonly IDBRequest[]> = {
  -readonly [I in keyof R]: R[I] extends IDBRequest<infer T> ? T : never
}

/** Calls `then` when the requests of a transaction have succeeded. They are answered in order. */
export function whenAnswered(requests: readonly IDBRequest[], then: () => void): void {
  const last = requests.at(-1)
  if (last === undefined) then()
  else last.addEventListener('success', then)
}

/** Asks for keys. Every one is a string: nothing else is ever written. */
export function keysIn(
  source: IDBObjectStore | IDBIndex,
  range: IDBKeyRange | undefined,
  most?: number,
): IDBRequest<string[]> {
  return source.getAllKeys(range, most) as IDBRequest<string[]>
}
