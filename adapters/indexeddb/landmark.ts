/**
 * A mark outside IndexedDB of which database there was last. A browser opens a damaged database
 * without an error, empty, and so anew; who clears the site's data clears the mark as well. Where
 * there is no `localStorage`, in a worker for one, no mark is kept.
 */
export class Landmark {
  readonly #name: string

  constructor(database: string) {
    this.#name = `botshelf:${database}`
  }

  /** The identity of the database that was there last. */
  get(): string | undefined {
    return quietly(() => localStorage.getItem(this.#name)) ?? undefined
  }

  set(identity: string): void {
    quietly(() => localStorage.setItem(this.#name, identity))
  }
}

function quietly<T>(use: () => T): T | undefined {
  try {
    return use()
  } catch {
    return undefined
  }
}
