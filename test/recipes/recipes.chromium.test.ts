import { expect, test } from 'vitest'
import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.ts'
import { StorageRuntime } from '../../src/index.ts'
import { replaceMethod } from '../adapters/indexeddb/support/replace-method.ts'
import { countCalls } from './support/count-calls.ts'
import { testRecipes } from './support/test-recipes.ts'

function createPlugin(): IndexedDBStoragePlugin {
  return new IndexedDBStoragePlugin({ STORAGE_CONFIG: { database: 'recipes' } })
}

// Each client has a connection of its own, as a tab has.
testRecipes('IndexedDB', createPlugin)

test('each recipe takes as many transactions of IndexedDB as docs/recipes.md says', async () => {
  const transactions: IDBTransactionMode[] = []
  replaceMethod(
    IDBDatabase.prototype,
    'transaction',
    (begin) =>
      function (this: IDBDatabase, ...parameters) {
        const transaction = begin.apply(this, parameters)
        transactions.push(transaction.mode)
        return transaction
      },
  )
  expect(await countCalls(new StorageRuntime(createPlugin()), transactions)).toEqual({
    isAllowed: 1,
    runOnce: 1,
    acquire: 1,
    extend: 1,
    release: 1,
    start: 1,
    countMessage: 1,
    push: 1,
    take: 1,
    addPoints: 3,
    topTen: 1,
  })
})
