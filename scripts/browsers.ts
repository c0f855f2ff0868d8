/** The oldest browsers that botshelf supports, as README lists them, in esbuild's spelling. */
export const OLDEST_BROWSERS: string[] = ['chrome111', 'firefox119', 'safari16.4']
