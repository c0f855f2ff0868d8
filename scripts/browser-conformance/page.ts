import { IndexedDBStoragePlugin } from '../../adapters/indexeddb.ts'
import { MemoryStoragePlugin } from '../../adapters/memory.ts'
import { conformance, type ConformanceCase } from '../../src/conformance.ts'
import type { Row } from './report.ts'

const memory = new MemoryStoragePlugin()
const config = { STORAGE_CONFIG: { database: 'conformance' } }
const rows = [
  await runCases('Memory', conformance({ plugin: () => memory })),
  await runCases('IndexedDB', conformance({ plugin: () => new IndexedDBStoragePlugin(config) })),
]
await fetch('/', { method: 'POST', body: JSON.stringify({ userAgent: navigator.userAgent, rows }) })

async function runCases(plugin: string, cases: readonly ConformanceCase[]): Promise<Row> {
  const failures: string[] = []
  let exempt = 0
  for (const [index, { run }] of cases.entries()) {
    showProgress(`${plugin}: ${index + 1} of ${cases.length}, ${failures.length} failed`)
    try {
      if ((await run()) !== undefined) exempt++
    } catch (error) {
      failures.push(String(error))
    }
  }
  const passed = cases.length - exempt - failures.length
  return { plugin, cases: cases.length, passed, exempt, failures }
}

function showProgress(text: string): void {
  const out = document.getElementById('out')
  if (out !== null) out.textContent = text
}
