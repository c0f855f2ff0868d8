// For grammY's declarations, as in grammy-modules.d.ts; apart from it, since a program for Node has this one.
declare module 'fs' {
  export type ReadStream = never
}
