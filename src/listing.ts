/** What a storage lists: an async iterable of the items. An async generator is one. */
export interface Listing<T> extends AsyncIterable<T> {
  /**
   * Lists the same items in arrays, of which some may be empty. Optional: the core takes them if it
   * can, which costs it a few promises for a page in place of a few for each item. It requests the
   * next page when its reader has taken this one and wants more.
   */
  pages?(): AsyncIterable<readonly T[]>
}

/**
 * Creates the result of `StorageBase.entries` or `liveKeys` from the pages of the listing.
 *
 * @param pages lists all pages; it is called each time the listing is read
 *
 * @example
 * entries(options?: KeysOptions) { return listPages(() => this.#entryPages(options)) }
 */
export function listPages<T>(pages: () => AsyncIterable<readonly T[]>): Listing<T> {
  return { pages, [Symbol.asyncIterator]: () => itemsOf(pages()) }
}

async function* itemsOf<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const page of pages) yield* page
}

/** Returns the pages of a listing. One that lists single items has a page for each. */
export function pagesOf<T>(listing: Listing<T>): AsyncIterable<readonly T[]> {
  return listing.pages?.() ?? singles(listing)
}

async function* singles<T>(listing: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  for await (const item of listing) yield [item]
}
