import type { Traits } from '../storage.ts'
import { assertEqual } from './assertions.ts'
import type { Rule } from './rule.ts'
import { createEntry } from './test-data.ts'

/** What is kept when a namespace closes and when a plugin ends. */
export const DURABILITY_RULES: readonly Rule[] = [
  {
    id: 'durability/reopen',
    name: 'entries are kept when the namespace is closed and opened again by the same plugin',
    fix: 'keep the data with the plugin or the backend; close() must not delete it',
    run: async (backend) => {
      const namespace = backend.createNamespace()
      const storage = await backend.plugin.open(namespace)
      await storage.set('k', createEntry([1, 2], 'v1'))
      await storage.close()
      const reopened = await backend.openStorage(namespace)
      assertEqual(await reopened.get('k'), { value: [1, 2], version: 'v1' }, 'the entry')
    },
  },
  {
    id: 'durability/restart',
    name: 'entries are kept for a second plugin over the same backend, after close()',
    fix: 'write to the backend, or set traits.durable to false; the `plugin` option must reach the same backend each time it is called',
    exempt: exemptUnlessDurable,
    run: async (backend) => {
      const namespace = backend.createNamespace()
      const storage = await backend.plugin.open(namespace)
      await storage.set('k', createEntry(new Date(7), 'v1'))
      await storage.close()
      const later = await backend.openStorage(namespace, await backend.createPlugin())
      assertEqual(await later.get('k'), { value: new Date(7), version: 'v1' }, 'the entry')
      assertEqual(await later.len(), 1, 'len()')
    },
  },
  {
    id: 'durability/restart-without-close',
    name: 'a write that resolved is kept for a second plugin over the same backend, without close()',
    fix: 'resolve a write only when the backend has stored it; do not wait for close()',
    exempt: exemptUnlessDurable,
    run: async (backend) => {
      const namespace = backend.createNamespace()
      await (await backend.openStorage(namespace)).set('k', createEntry('kept', 'v1'))
      const later = await backend.openStorage(namespace, await backend.createPlugin())
      assertEqual(await later.get('k'), { value: 'kept', version: 'v1' }, 'the entry')
    },
  },
]

/** Exempts a backend from rules about data that outlives its plugin. */
function exemptUnlessDurable({ durable }: Traits): string | undefined {
  return durable ? undefined : 'the backend loses its data with the plugin (durable: false)'
}
