import { expect, test } from 'vitest'
import { MemoryStoragePlugin } from '../../../adapters/memory.ts'
import { readRestoreRequest, restorePart, signRestoreToken } from '../../../src/admin/restore.ts'
import { byName } from '../../../src/backup/entry.ts'
import { createPart } from '../../../src/backup/part.ts'
import { encode } from '../../../src/codec.ts'
import { collect } from '../../../src/conformance/assertions.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { KEYS_IN_TWO_ORDERS, Utf8StoragePlugin } from '../../support/utf8-plugin.ts'

const CONTEXT = { storage: 'Memory', secret: 'a secret' }

test.each([
  ['UTF-16 code units', MemoryStoragePlugin],
  ['UTF-8', Utf8StoragePlugin],
])(
  'a restore replaces exactly the range of each part if a backend lists by %s',
  async (_, Plugin) => {
    await using runtime = new StorageRuntime(new Plugin())
    await using store = await runtime.open('n')
    await store.setMany(Object.fromEntries(KEYS_IN_TWO_ORDERS.map((key) => [key, 'before'])))
    const value = encode('restored')
    const entries = KEYS_IN_TWO_ORDERS.filter((_key, index) => index % 3 === 0)
      .map((key) => ({ namespace: 'n', key, value }))
      .toSorted(byName)
    let after: string | null = null
    let restore: string | undefined
    for (let from = 0; from < entries.length; from += 2) {
      const isLast = from + 2 >= entries.length
      const part = await createPart({ after, entries: entries.slice(from, from + 2), isLast })
      const body = JSON.stringify({ mode: 'replace', part, restore })
      const headers = { 'content-type': 'application/json' }
      const request = new Request('https://bot.example.com/', { method: 'POST', body, headers })
      const sent = await readRestoreRequest(request, CONTEXT)
      const { state, changes } = await restorePart(runtime, sent, { onPlanned() {} })
      for (const { key } of changes) {
        expect(
          byName({ namespace: 'n', key }, sent.range.upTo ?? { namespace: 'o', key: '' }),
        ).toBeLessThan(1)
      }
      restore = await signRestoreToken(state, CONTEXT.secret)
      after = part.next
    }
    const found = new Map(await collect(store.entries()))
    expect(found).toEqual(new Map(entries.map(({ key }) => [key, 'restored'])))
  },
)
