import { conformance } from '../../../src/conformance.ts'
import { MinimalStoragePlugin } from '../../support/minimal-plugin.ts'
import { runConformance } from '../../support/run-conformance.ts'

const plugin = new MinimalStoragePlugin({})
runConformance(
  'Third party, six methods',
  'Node',
  conformance({
    plugin: () => plugin,
    skip: { 'durability/restart': 'the plugin keeps its data in a Map' },
  }),
)
