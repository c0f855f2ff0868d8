/**
 * A mark outside IndexedDB that a database exists. A browser opens a damaged database without an
 * error, empty; who clears the site's data clears the mark as well. Where there is no
 * `localStorage`, in a worker for one, no mark is kept.
 */
export class Landmark {
  readonly #name: string

  constructor(database: string) {
    this.#name = `botshelf:${database}`
  }

  stands(): boolean {
    return quietly(() => localStorage.getItem(this.#name) !== null) ?? false
  }

  set(): void {
    quietly(() => localStorage.setItem(this.#name, '1'))
  }
}

function quietly<T>(use: () => T): T | undefined {
  try {
    return use()
  } catch {
    return undefined
  }
}
