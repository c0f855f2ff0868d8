import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { expect, test } from 'vitest'

const PRELUDE = `
  import 'fake-indexeddb/auto'
  import { StorageRuntime } from 'botshelf'
  import { indexeddb } from 'botshelf/indexeddb'
  const open = async () =>
    (await StorageRuntime.start({ STORAGE: 'IndexedDB' }, [indexeddb])).open('ns')
  const watch = async (store) => { for await (const { kind } of store.watch()) console.log(kind) }
  const addSlowly = (store) => store.update('n', async (n = 0) => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return n + 1
  })
  const store = await open()
  await store.set('a', 1, { ttl: 60 })
`

/** Runs a program in a Node process. Resolves to its output after it has ended, within 15 seconds. */
async function run(program: string): Promise<{ output: string; signal: NodeJS.Signals | null }> {
  const args = ['--conditions=botshelf-source', '--input-type=module', '--eval', PRELUDE + program]
  const child = spawn(process.execPath, args, { timeout: 15_000 })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { output, signal }
}

test.each([
  ['was written', '', ''],
  ['is watched', `void watch(store); await store.set('b', 1)`, 'set\n'],
  [
    'is written by two runtimes, which take turns',
    `const other = await open()
     await Promise.all([store, other, store, other].map(addSlowly))
     console.log(await store.get('n'))`,
    '4\n',
  ],
])(
  'a Node process ends although a store is open that %s',
  { concurrent: true },
  async (_, program, output) => {
    expect(await run(program)).toEqual({ output, signal: null })
  },
)
