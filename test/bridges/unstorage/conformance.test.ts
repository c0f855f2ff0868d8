import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStorage } from 'unstorage'
import fsLite1 from 'unstorage/drivers/fs-lite'
import memory1 from 'unstorage/drivers/memory'
import fsLite2 from 'unstorage-2/drivers/fs-lite'
import memory2 from 'unstorage-2/drivers/memory'
import { afterAll } from 'vitest'
import { UnstorageStoragePlugin } from '../../../bridges/unstorage.ts'
import { conformance } from '../../../src/conformance.ts'
import { runConformance } from '../../support/run-conformance.ts'

const folder = await mkdtemp(join(tmpdir(), 'botshelf-unstorage-'))
afterAll(async () => rm(folder, { recursive: true }))

function run(name: string, driver: object, traits: object): void {
  runConformance(
    `Unstorage, ${name}`,
    'Node',
    conformance({
      plugin: () => new UnstorageStoragePlugin({ STORAGE_CONFIG: { driver, traits } }),
    }),
  )
}

const VOLATILE = { consistency: 'strong', maxKeyBytes: Number.POSITIVE_INFINITY }
// Linux limits a path to 4,096 bytes, and a byte of a key takes up to three.
const DURABLE = { consistency: 'strong', durable: true, maxKeyBytes: 1000 }

run('memory of 1.17', memory1(), VOLATILE)
run('memory of 2', memory2(), VOLATILE)
run('storage of 1.17', createStorage({ driver: memory1() }), VOLATILE)
run('fs-lite of 1.17', fsLite1({ base: join(folder, '1') }), DURABLE)
run('fs-lite of 2', fsLite2({ base: join(folder, '2'), atomic: true }), DURABLE)
