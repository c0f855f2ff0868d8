#!/usr/bin/env node
// The command `botshelf`.
import process from 'node:process'
import { runCli } from './program.ts'

const interrupt = new AbortController()
process.on('SIGINT', () => {
  // A second Ctrl-C does not wait.
  if (interrupt.signal.aborted) process.exit(130)
  interrupt.abort()
})
// `| head` closes the pipe early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupt.signal,
})
