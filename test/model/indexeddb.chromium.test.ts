import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.ts'
import { compareCodeUnits } from './model.ts'
import { type ModelTest, testConcurrentCalls, testSequentialCalls } from './model-tests.ts'

// The durability has no effect on results; relaxed takes less time.
const config = { STORAGE_CONFIG: { database: 'model', durability: 'relaxed' } }
const options: ModelTest = {
  run: (check) => check(() => () => new IndexedDBStoragePlugin(config)),
  compare: compareCodeUnits,
  runs: 100,
  maxCommands: 20,
}

testSequentialCalls('IndexedDB, Chromium', options)
testConcurrentCalls('IndexedDB, Chromium', options)
