import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { conformance } from '../../src/conformance.ts'
import { runConformance } from '../support/run-conformance.ts'

const plugin = new MemoryStoragePlugin()
runConformance('Memory', 'Node', conformance({ plugin: () => plugin }))
