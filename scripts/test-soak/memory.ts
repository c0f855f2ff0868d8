import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { exposeGarbageCollector } from '../../bench/engines/garbage-collector.ts'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import type { StoragePluginBase } from '../../src/index.ts'
import { Load } from './load.ts'
import type { SoakTarget } from './soak.ts'

/** Runs the load on Memory in this process. `wrap` may put something between it and the runtimes. */
export async function startMemory(
  calls = 100,
  wrap: (plugin: StoragePluginBase) => StoragePluginBase = (plugin) => plugin,
): Promise<SoakTarget> {
  const collectGarbage = exposeGarbageCollector()
  const plugin = wrap(new MemoryStoragePlugin())
  let load: Load | undefined
  let unhandledRejections = 0
  const onRejection = (): void => void unhandledRejections++
  process.on('unhandledRejection', onRejection)
  return {
    backend: 'Memory',
    engine: `Node ${process.versions.node}`,
    async work(seed) {
      load ??= await Load.start({ createPlugin: () => plugin, calls })
      return load.run(seed)
    },
    async sample() {
      // Objects that a finished callback still refers to can be collected in the next task.
      await wait(10)
      collectGarbage()
      return {
        heapBytes: process.memoryUsage().heapUsed,
        handles: process.getActiveResourcesInfo().length,
        unhandledRejections,
      }
    },
    close: async () => load?.close(),
    async stop() {
      process.off('unhandledRejection', onRejection)
    },
  }
}
