#!/usr/bin/env node
// The command `botshelf`.
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runCli } from './program.ts'

// Otherwise V8 lets garbage grow: a restore of 100,000 entries has 70 MB in use and takes 270 MB.
setFlagsFromString('--semi-space-growth-factor=1')

const interrupt = new AbortController()
process.on('SIGINT', () => {
  // A second Ctrl-C does not wait.
  if (interrupt.signal.aborted) process.exit(130)
  interrupt.abort()
})
// `| head` closes the pipe early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  process.stderr.write(`botshelf: Standard output cannot be written: ${error.message}.\n`)
  process.exit(1)
})
// Without a reader of notes and errors, the exit code is left.
process.stderr.on('error', () => {})

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupt.signal,
})
