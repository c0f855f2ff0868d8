// Runs the conformance suite over Memory from the built package, in whatever Node runs this file:
// `npm run build && node scripts/smoke.mjs`. The oldest one the package supports is 20.
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
