import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.ts'
import { testRecipes } from './support/test-recipes.ts'

// Each client has a connection of its own, as a tab has.
testRecipes(
  'IndexedDB',
  () => new IndexedDBStoragePlugin({ STORAGE_CONFIG: { database: 'recipes' } }),
)
