// Starts the bot on this machine: `npm start`, or `npm start -- --port 8080`.
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { type DevServer, freePort, startDevServer } from './dev-server.ts'

const FIRST_PORT = 8787
const PORTS_TRIED = 20

const port = await choosePort()
const token = randomBytes(24).toString('base64url')
console.log('Starting the bot ...')

let server: DevServer
try {
  server = await startDevServer({ port, token, onLine: (line) => console.error(line) })
} catch (error) {
  // What the server said stands above already.
  console.error(error instanceof Error ? error.message.split('\n')[0] : error)
  process.exit(1)
}

console.log(`
Talk to it:  http://localhost:${port}/#token=${token}

This address makes you its admin until it stops. What it learns stays in .wrangler/state.
Ctrl-C stops it.`)

let stopping = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Whoever asks twice is in a hurry.
    void (stopping ? server.kill() : server.stop())
    stopping = true
  })
}
await server.ended
if (!stopping) console.error('The server has ended.')
process.exit(stopping ? 0 : 1)

async function choosePort(): Promise<number> {
  const wanted = readPort()
  if (wanted !== undefined) {
    if ((await freePort(wanted)) !== undefined) return wanted
    fail(`Port ${wanted} is in use.`, 1)
  }
  for (let candidate = FIRST_PORT; candidate < FIRST_PORT + PORTS_TRIED; candidate++) {
    if ((await freePort(candidate)) !== undefined) return candidate
  }
  return fail(`The ports from ${FIRST_PORT} on are in use; choose one with --port.`, 1)
}

function readPort(): number | undefined {
  let text: string | undefined
  try {
    text = parseArgs({ options: { port: { type: 'string' } } }).values.port
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), 2)
  }
  if (text === undefined) return undefined
  const wanted = Number(text)
  if (/^\d+$/.test(text) && wanted >= 1 && wanted <= 65_535) return wanted
  return fail('--port takes a number from 1 to 65535.', 2)
}

function fail(sentence: string, code: number): never {
  console.error(sentence)
  process.exit(code)
}
