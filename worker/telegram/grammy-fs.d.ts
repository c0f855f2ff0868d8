// Declares `fs` for grammY's declarations. Separate from grammy-modules.d.ts: a program for Node has `fs`.
declare module 'fs' {
  export type ReadStream = never
}
