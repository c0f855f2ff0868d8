// Runs the conformance suite on the built package's Memory backend. Plain JavaScript, so that it
// runs in every supported version of Node, from 20: npm run build && node scripts/smoke.mjs
import process from 'node:process'
import { MemoryStoragePlugin } from '../dist/adapters/memory.js'
import { conformance } from '../dist/src/conformance.js'

const plugin = new MemoryStoragePlugin()
let failed = 0
let passed = 0
for (const { run } of conformance({ plugin: () => plugin })) {
  try {
    if ((await run()) === undefined) passed++
  } catch (error) {
    failed++
    console.error(error.message)
  }
}
console.log(`Node ${process.versions.node}: ${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 100 ? 0 : 1
