// grammY's declarations describe its build for Node and name modules that a Worker lacks or that have
// no declarations. Its build for the web, which is bundled here, imports none of them.
declare module 'node-fetch' {
  export default fetch
}
