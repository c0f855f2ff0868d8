// Runs the commands in the `console` blocks of docs/cli.md against the bot under `wrangler dev`, and
// writes what they print below them: npm run transcripts
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { remoteTarget } from 'botshelf/admin'
import { runCommand } from './command-line.ts'
import { freePort, startDevServer } from './dev-server.ts'
import { createWorkFolder, runTranscripts, SEED } from './transcripts/run-transcripts.ts'

const PAGE = fileURLToPath(new URL('../docs/cli.md', import.meta.url))
const TOKEN = 'transcripts'

await runCommand(async () => {
  const folder = await createWorkFolder()
  const port = await freePort()
  if (port === undefined) throw new Error('No port is free.')
  const server = await startDevServer({ port, token: TOKEN, state: join(folder.path, '.state') })
  try {
    await remoteTarget({ url: server.url, token: TOKEN }).apply(SEED)
    const page = await readFile(PAGE, 'utf8')
    const written = await runTranscripts(page, { url: server.url, token: TOKEN, cwd: folder.path })
    await writeFile(PAGE, written)
  } finally {
    await server.stop()
    await folder.remove()
  }
})
