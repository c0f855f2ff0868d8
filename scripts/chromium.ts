import { existsSync } from 'node:fs'
import process from 'node:process'
import { chromium } from 'playwright'

/** How the tests and the screenshots start Chromium. */
export interface ChromiumLaunch {
  /** Absent where none was found; then playwright says how to install its own. */
  readonly executablePath?: string
  readonly args: string[]
}

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

// Nothing here needs the network, a GPU or more rights than a container has.
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The Chromium to use: the one that `CHROMIUM` names, playwright's own, or the system's. */
export function findChromium(): string | undefined {
  return [process.env['CHROMIUM'], chromium.executablePath(), ...PLACES].find(
    (path) => path !== undefined && path !== '' && existsSync(path),
  )
}

export function chromiumLaunch(): ChromiumLaunch {
  const executablePath = findChromium()
  return executablePath === undefined ? { args: ARGS } : { executablePath, args: ARGS }
}
