// Runs a Node script in a process group, and kills the whole group when the parent process ends, even
// by kill -9 (stdin then closes). When the script exits, it exits with the same code, and the parent
// kills the group. Without this, the runtime that `wrangler dev` starts would survive it and keep the
// port.
import { spawn } from 'node:child_process'
import process from 'node:process'

const [, , ...scriptAndArguments] = process.argv
const child = spawn(process.execPath, scriptAndArguments, {
  stdio: ['ignore', 'inherit', 'inherit'],
})

child.on('exit', (code) => process.exit(code ?? 1))
child.on('error', () => process.exit(1))
process.stdin.on('end', killGroup).on('error', killGroup).resume()
// A signal to the group reaches the script too. This process waits until it has exited.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

function killGroup(): void {
  // Windows has no process groups, so this ends the script only.
  if (process.platform === 'win32') child.kill()
  else process.kill(-process.pid, 'SIGKILL')
}
