import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { compareCodeUnits } from './model.ts'
import { type ModelTest, testConcurrentCalls, testSequentialCalls } from './model-tests.ts'

const plugin = new MemoryStoragePlugin()
const options: ModelTest = {
  withPlugins: (check) => check(() => plugin),
  compare: compareCodeUnits,
  runs: 1000,
  maxCommands: 40,
}

testSequentialCalls('Memory, Node', options)
testConcurrentCalls('Memory, Node', options)
