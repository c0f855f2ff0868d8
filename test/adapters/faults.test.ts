import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { FAULT_KINDS } from '../../src/testing/faults.ts'
import { MinimalStoragePlugin } from '../support/minimal-plugin.ts'
import { eachFaultOf, testEachFault } from '../support/test-each-fault.ts'

const memory = new MemoryStoragePlugin()
testEachFault('Memory, Node', () => eachFaultOf(() => memory, FAULT_KINDS))

// Here each call that a default method of StorageBase makes fails too.
const minimal = new MinimalStoragePlugin({})
testEachFault('Third party, six methods, Node', () =>
  eachFaultOf(() => minimal, ['reject-before', 'reject-after', 'late']),
)
