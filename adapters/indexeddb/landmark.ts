/**
 * Reads or leaves a mark outside IndexedDB, of which database there was last. A browser opens a
 * damaged database without an error, empty, and so anew; who clears the site's data clears the
 * mark as well. Where there is no `localStorage`, in a worker for one, no mark is kept.
 */
export function landmark(use: (marks: Storage) => string | null | void): string | undefined {
  try {
    return use(localStorage) ?? undefined
  } catch {
    return undefined
  }
}
