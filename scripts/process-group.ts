// Runs a command as a process group that ends as a whole: when the command ends, and when whoever
// started it is gone, even by kill -9, which its end of stdin shows. Without this the runtime that
// `wrangler dev` starts outlives it, and keeps the port.
import { spawn } from 'node:child_process'
import process from 'node:process'

const [, , ...command] = process.argv
const child = spawn(process.execPath, command, { stdio: ['ignore', 'inherit', 'inherit'] })

child.on('exit', endGroup)
child.on('error', endGroup)
process.stdin.on('end', endGroup).on('error', endGroup).resume()
// A signal to the group reaches the command as well, which ends in its own time.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

function endGroup(): void {
  // Windows knows no groups; there the command alone is ended.
  if (process.platform === 'win32') child.kill()
  else process.kill(-process.pid, 'SIGKILL')
}
