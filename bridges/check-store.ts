import { quote, StoreError } from '../src/errors.ts'
import type { Store } from '../src/store.ts'

/** What a bridge's argument must be, for its errors. */
interface Expectation {
  /** The name of the function that received the store. */
  readonly caller: string
  /** Whether a backend without atomic steps is refused. Default: true */
  readonly isAtomic?: boolean
}

/**
 * Checks that an argument is a store whose backend makes each step atomic, and returns it.
 *
 * @throws StoreError `INVALID_VALUE` for anything but a store, such as the promise of one;
 * `NOT_ATOMIC` if `traits.atomic` is `none`
 */
export function checkStore<T extends object>(
  store: Store<T>,
  { caller, isAtomic = true }: Expectation,
): Store<T> {
  const { traits, namespace } = (store as Partial<Store<T>> | null | undefined) ?? {}
  if (traits === undefined || namespace === undefined) {
    throw new StoreError(
      'INVALID_VALUE',
      `${caller}() needs an open store; received ${quote(store)}. Pass what "await runtime.open(namespace)" resolves to.`,
    )
  }
  if (isAtomic && traits.atomic === 'none') {
    throw new StoreError(
      'NOT_ATOMIC',
      `${caller}() needs a backend with atomic steps; traits.atomic of this store is "none". Use Memory, IndexedDB, DurableObject or another atomic backend.`,
      { namespace },
    )
  }
  return store
}
