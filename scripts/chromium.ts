import { existsSync } from 'node:fs'
import process from 'node:process'
import { chromium } from 'playwright'

/** The launch options of playwright for Chromium. */
export interface ChromiumLaunch {
  /** Absent if no Chromium was found; the error of playwright then says how to install one. */
  readonly executablePath?: string
  readonly args: string[]
}

const SYSTEM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

// The tests need no network and no GPU, and a container may not allow the sandbox.
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Finds the Chromium to use: the path in `CHROMIUM`, playwright's own, or the system's. */
export function findChromium(): string | undefined {
  return [process.env['CHROMIUM'], chromium.executablePath(), ...SYSTEM_PATHS].find(
    (path) => path !== undefined && path !== '' && existsSync(path),
  )
}

/** Returns the options with which tests and scripts start Chromium. */
export function chromiumLaunch(): ChromiumLaunch {
  const executablePath = findChromium()
  return executablePath === undefined ? { args: ARGS } : { executablePath, args: ARGS }
}
