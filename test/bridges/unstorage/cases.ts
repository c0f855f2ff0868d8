// The rules for drivers that unstorage's documentation states:
//
//   guide (1.guide/1.index.md)                 what each method of a storage does, in item-cases.ts
//   custom driver (1.guide/4.custom-driver.md) keys, mounts, watch() and dispose(), in driver-cases.ts
import { describe } from 'vitest'
import { type BridgeBackend, describeBridge } from '../support/bridge.ts'
import { testDriver } from './driver-cases.ts'
import { testItems } from './item-cases.ts'
import { testLostUpdates } from './lost-update-cases.ts'
import { VERSIONS } from './versions.ts'
import { testWatch } from './watch-cases.ts'

export function testUnstorage(backend: BridgeBackend): void {
  describeBridge('unstorage', backend, (clients) => {
    describe.each(VERSIONS)('$name', (version) => {
      testItems(clients, version)
      testDriver(clients, version)
      testWatch(clients, version)
      testLostUpdates(clients, version)
    })
  })
}
