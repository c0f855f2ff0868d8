/** The oldest browsers that botshelf runs in, as README states them, for esbuild. */
export const OLDEST_BROWSERS: string[] = ['chrome111', 'firefox119', 'safari16.4']
