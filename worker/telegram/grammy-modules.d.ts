// grammY's declarations are those of its build for Node, and name modules that a Worker has not, or
// that have no declarations. Its code for the web, which is what is bundled, imports none of them.
declare module 'node-fetch' {
  export default fetch
}
