// Measures the commands backup, restore and copy with many entries on a Worker under `wrangler dev`, and
// prints a Markdown table. The commands run as published, from dist: npm run --silent measure:transfer [-- --entries 100000]
import { spawn } from 'node:child_process'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { formatBackup } from 'botshelf/backup'
import { encode } from 'botshelf/codec'
import { orUsageError, runCommand, UsageError } from './command-line.ts'
import { type DevServer, freePort, startDevServer } from './dev-server.ts'

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const TOKEN = 'the token of a measurement'
const KEYS_PER_NAMESPACE = 10_000
/** Prints the peak memory of the process at its end; `maxRSS` is in KiB. */
const PRINT_MEMORY = `data:text/javascript,process.on('exit',()=>process.stderr.write('maxRSS='+process.resourceUsage().maxRSS))`

await runCommand(async () => {
  const { values } = orUsageError(() =>
    parseArgs({ options: { entries: { type: 'string', default: '100000' } } }),
  )
  const entries = Number(values.entries)
  if (!Number.isInteger(entries) || entries < 1) {
    throw new UsageError(`--entries takes a whole number from 1; received ${values.entries}.`)
  }
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-measure-'))
  let server: DevServer | undefined
  try {
    const port = await freePort()
    if (port === undefined) throw new Error('No port is free.')
    server = await startDevServer({ port, token: TOKEN, state: join(folder, 'state') })
    await measure(server.url, folder, entries)
  } finally {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  }
})

async function measure(url: string, folder: string, entries: number): Promise<void> {
  const source = join(folder, 'source.jsonl')
  await writeFile(source, await createBackup(entries))
  const size = ((await stat(source)).size / 1e6).toFixed(1)
  console.log(`${entries.toLocaleString('en')} entries, ${size} MB as lines:\n`)
  console.log('| command | seconds | peak memory of the command |')
  console.log('| --- | ---: | ---: |')
  const file = join(folder, 'bot.jsonl.gz')
  const [object, kv] = [
    ['--storage', 'DurableObject'],
    ['--storage', 'CloudflareKV'],
  ] as const
  await run('restore to a Durable Object', ['restore', source, '--url', url, ...object, '--yes'])
  await run('backup of a Durable Object, compressed', ['backup', file, '--url', url, ...object])
  await run('restore to Workers KV', ['restore', file, '--url', url, ...kv, '--yes'])
  const compared = ['restore', file, '--url', url, ...kv, '--dry-run', '--replace']
  const output = await run('comparison with Workers KV (`--dry-run`)', compared)
  const same = `Total: 0 entries added, 0 changed, 0 removed, ${entries.toLocaleString('en')} the same`
  if (!output.includes(same)) throw new Error(`The storages differ:\n${output}`)
}

/** Creates entries like those of a bot: short keys, values of 20 to 300 bytes. */
function createBackup(count: number): Promise<string> {
  const contents = new Map<string, Map<string, { readonly value: string }>>()
  for (let index = 0; index < count; index++) {
    const namespace = `Plugin${Math.floor(index / KEYS_PER_NAMESPACE)}`
    const entriesOfNamespace = contents.get(namespace) ?? new Map<string, { value: string }>()
    contents.set(namespace, entriesOfNamespace)
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(index % 7)
    const value = { id: index, text, at: new Date(index * 1000) }
    entriesOfNamespace.set(`user:${index}`, { value: encode(value) })
  }
  return formatBackup({ at: new Date().toISOString(), storage: 'measurement', contents })
}

/** Runs the command, prints a row of the table, and resolves to its output. */
async function run(name: string, args: readonly string[]): Promise<string> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, ['--import', PRINT_MEMORY, MAIN, ...args], {
    env: { ...process.env, BOTSHELF_TOKEN: TOKEN },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`${name} failed (${code}): ${stderr}`)
  const seconds = (performance.now() - startedAt) / 1000
  const memory = (Number(/maxRSS=(\d+)$/.exec(stderr)?.[1]) * 1024) / 1e6
  console.log(`| ${name} | ${seconds.toFixed(1)} | ${memory.toFixed(0)} MB |`)
  return stdout
}
