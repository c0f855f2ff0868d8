import { MemoryStoragePlugin } from '../adapters/memory.js'
import { conformance } from '../src/conformance.js'
import { runConformance } from './support/run-conformance.js'

const plugin = new MemoryStoragePlugin()
runConformance('Memory', 'Node', conformance({ plugin: () => plugin }))
