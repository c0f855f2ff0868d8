import { execFileSync, type StdioOptions } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, type } from 'node:os'
import process from 'node:process'
import { findChromium } from '../../scripts/chromium.ts'

const PACKAGES = [
  'idb-keyval',
  'idb',
  'dexie',
  'localforage',
  'unstorage',
  'playwright',
  'miniflare',
  'workerd',
  'esbuild',
] as const

/** Reads the versions of the software and the processor that a run uses, as one line each. */
export function readEnvironment(): { readonly versions: string; readonly machine: string } {
  const versions = [
    `botshelf ${versionOf(new URL('../../package.json', import.meta.url))}`,
    `Node ${process.versions.node}`,
    chromiumVersion(),
    ...PACKAGES.map(
      (name) =>
        `${name} ${versionOf(new URL(`../../node_modules/${name}/package.json`, import.meta.url))}`,
    ),
  ]
  const [cpu] = cpus()
  return {
    versions: versions.join(', '),
    machine: `${availableParallelism()} cores (${cpu?.model.trim() ?? 'unknown'}), ${type()} ${arch()}`,
  }
}

function versionOf(file: URL): string {
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: string }
  return version ?? 'unknown'
}

function chromiumVersion(): string {
  const path = findChromium()
  if (path === undefined) return 'Chromium of playwright'
  const stdio: StdioOptions = ['ignore', 'pipe', 'ignore']
  const output = execFileSync(path, ['--version'], { encoding: 'utf8', stdio }).trim()
  // Linux distributions append their own name.
  return /^\D*[\d.]+/.exec(output)?.[0] ?? output
}
