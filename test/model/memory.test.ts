import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { compareCodeUnits } from './model.ts'
import { type ModelTest, testConcurrentCalls, testSequentialCalls } from './model-tests.ts'

const options: ModelTest = {
  run: (check) =>
    check(() => {
      const plugin = new MemoryStoragePlugin()
      return () => plugin
    }),
  compare: compareCodeUnits,
  runs: 1000,
  maxCommands: 30,
}

testSequentialCalls('Memory, Node', options)
testConcurrentCalls('Memory, Node', options)
