import indexedb1 from 'unstorage/drivers/indexedb'
import localStorage1 from 'unstorage/drivers/localstorage'
import localStorage2 from 'unstorage-2/drivers/localstorage'
import { UnstorageStoragePlugin } from '../../../bridges/unstorage.ts'
import { conformance } from '../../../src/conformance.ts'
import { runConformance } from '../../support/run-conformance.ts'

const traits = { durable: true, consistency: 'strong' }
const drivers = {
  'localstorage of 1.17': localStorage1({ base: 'one' }),
  'localstorage of 2': localStorage2({ base: 'two' }),
  'indexedb of 1.17': indexedb1({ dbName: 'unstorage', storeName: 'items' }),
}

for (const [name, driver] of Object.entries(drivers)) {
  runConformance(
    `Unstorage, ${name}`,
    'Chromium',
    conformance({
      plugin: () => new UnstorageStoragePlugin({ STORAGE_CONFIG: { driver, traits } }),
    }),
  )
}
