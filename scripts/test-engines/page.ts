import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.ts'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { conformance } from '../../src/conformance.ts'
import { PAGE_HISTORIES, WORKER_HISTORIES } from './histories.ts'
import type { PageMessage } from './page-run.ts'
import type { Row } from './report.ts'

try {
  const memory = new MemoryStoragePlugin()
  await runCases('Memory', 'conformance', conformance({ plugin: () => memory, faults: true }))
  const config = { STORAGE_CONFIG: { database: 'conformance' } }
  const plugin = (): IndexedDBStoragePlugin => new IndexedDBStoragePlugin(config)
  await runCases('IndexedDB', 'conformance', conformance({ plugin, faults: true }))
  await runCases('IndexedDB, one page', 'histories', PAGE_HISTORIES)
  await runCases('IndexedDB, page and Workers', 'histories', WORKER_HISTORIES)
  await send({ type: 'end', userAgent: navigator.userAgent })
} catch (error) {
  await send({ type: 'error', message: String(error) })
}

async function runCases(
  backend: string,
  suite: string,
  cases: readonly { readonly run: () => Promise<string | undefined> }[],
): Promise<void> {
  const failures: string[] = []
  let exempt = 0
  for (const { run } of cases) {
    // The message also shows the server that the page is alive.
    await send({ type: 'progress', text: `${backend}: ${suite}` })
    try {
      if ((await run()) !== undefined) exempt++
    } catch (error) {
      failures.push(String(error))
    }
  }
  const passed = cases.length - exempt - failures.length
  const row: Row = { backend, suite, cases: cases.length, passed, exempt, failures }
  await send({ type: 'row', row })
}

/** Sends a message to the server, and shows it to who looks at the page. */
async function send(message: PageMessage): Promise<void> {
  const out = document.getElementById('out')
  if (out !== null) out.textContent += `${JSON.stringify(message)}\n`
  await fetch('/', { method: 'POST', body: JSON.stringify(message) })
}
