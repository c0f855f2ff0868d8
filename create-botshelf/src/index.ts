#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { parseArguments } from './arguments.ts'
import { ask } from './ask.ts'
import { DEFAULTS, USAGE_EXIT_CODE, UsageError } from './choices.ts'
import { createProject } from './project.ts'

const CANCEL_EXIT_CODE = 130

const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
const { version } = JSON.parse(manifest) as { readonly version: string }

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = error instanceof UsageError ? USAGE_EXIT_CODE : 1
}

async function main(): Promise<void> {
  const given = parseArguments(process.argv.slice(2), version)
  if (given === undefined) return
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY
  const choices = isTerminal && !given.yes ? await ask(given) : { ...DEFAULTS, ...given }
  if (choices === undefined) {
    console.error('Cancelled: nothing was written.')
    process.exitCode = CANCEL_EXIT_CODE
    return
  }
  createProject(choices, version)
  const { folder, template, framework } = choices
  const kind = framework === 'none' ? template : `${template}, ${framework}`
  const change =
    folder === '.' ? '' : `  cd ${/^[\w./-]+$/.test(folder) ? folder : JSON.stringify(folder)}\n`
  console.log(
    `Created ${folder} (${kind}). Next:\n\n${change}  npm install\n  npm test\n  npm start\n`,
  )
}
