import { withoutStamp } from '../../../../src/stamp.ts'
import { BrokenPlugin, patchReads, testBrokenStorages } from './broken-plugin.ts'

const create = (): BrokenPlugin =>
  new BrokenPlugin(patchReads((entry) => ({ ...entry, version: withoutStamp(entry.version) })))

testBrokenStorages(
  [
    'schema/stored-version',
    'schema/migrate-on-read',
    'schema/newer-version',
    'schema/step-keeps-version',
  ].map((rule) => ({ fault: 'cuts the suffix of a version', rule, create })),
)
