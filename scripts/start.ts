// Starts the bot on this machine: `npm start`, or `npm start -- --port 8080`.
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { type DevServer, freePort, startDevServer } from './dev-server.ts'
import { onStop } from './on-stop.ts'

const FIRST_PORT = 8787
const PORTS_TRIED = 20

const port = await choosePort()
const token = randomBytes(24).toString('base64url')
console.log('Starting the bot ...')

let server: DevServer | undefined
let isStopping = false
onStop(() => {
  // While it starts, the server ends with this process.
  if (server === undefined) process.exit(0)
  // A second signal does not wait.
  void (isStopping ? server.kill() : server.stop())
  isStopping = true
})
try {
  server = await startDevServer({ port, token, onLine: (line) => console.error(line) })
} catch (error) {
  // The other lines of the message were printed when the server wrote them.
  console.error(error instanceof Error ? error.message.split('\n')[0] : error)
  process.exit(1)
}

console.log(`
Talk to it:  http://localhost:${port}/#token=${token}

This address makes you its admin until it stops. What it learns stays in .wrangler/state.
Ctrl-C stops it.`)

const serverExitCode = await server.ended
if (isStopping) process.exit(0)
console.error('The server exited unexpectedly.')
process.exit(serverExitCode || 1)

async function choosePort(): Promise<number> {
  const requested = readPort()
  if (requested !== undefined) {
    if ((await freePort(requested)) !== undefined) return requested
    fail(`Port ${requested} is in use; choose another with --port.`, 1)
  }
  for (let candidate = FIRST_PORT; candidate < FIRST_PORT + PORTS_TRIED; candidate++) {
    if ((await freePort(candidate)) !== undefined) return candidate
  }
  return fail(
    `Ports ${FIRST_PORT} to ${FIRST_PORT + PORTS_TRIED - 1} are in use; choose another with --port.`,
    1,
  )
}

/** Reads `--port`; exits with code 2 if the arguments are invalid. */
function readPort(): number | undefined {
  let text: string | undefined
  try {
    text = parseArgs({ options: { port: { type: 'string' } } }).values.port
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), 2)
  }
  if (text === undefined) return undefined
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= 1 && number <= 65_535) return number
  return fail(`--port takes a number from 1 to 65535; received ${text}.`, 2)
}

function fail(message: string, exitCode: number): never {
  console.error(message)
  process.exit(exitCode)
}
