// Finds, installs and starts the browsers that open the test page.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { type BrowserType, chromium, firefox, type LaunchOptions, webkit } from 'playwright'
import { chromiumLaunch, findChromium } from '../chromium.ts'
import { killGroup } from './kill-group.ts'

/** A browser that has opened the test page. */
export interface RunningBrowser {
  readonly version: string
  stop(): Promise<void>
}

type OpenPage = (url: string) => Promise<RunningBrowser>

/** How to find and start a browser. */
export interface Browser {
  readonly name: string
  /** Returns the function that opens a page; `undefined` if the browser is not installed. */
  readonly find: () => OpenPage | undefined
  /** The package of apt, and the name of the browser in `playwright install`. */
  readonly packages: readonly string[]
  readonly playwright: 'chromium' | 'firefox' | 'webkit'
  /** The environment variable for the path of the browser. */
  readonly variable: string
}

const FIREFOX_PATHS = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
]
/** WebKitGTK's browser, which the package of the library contains. */
const WEBKIT_PATHS = ['x86_64', 'aarch64'].map(
  (arch) => `/usr/lib/${arch}-linux-gnu/webkit2gtk-4.1/MiniBrowser`,
)
/** Lets a page of WebKit share memory with its Workers, which the other engines do without a setting. */
const WEBKIT_ENV = { JSC_useSharedArrayBuffer: '1' }
const INSTALL_TIMEOUT_MS = 300_000

export const BROWSERS: readonly Browser[] = [
  {
    name: 'Chromium',
    find: () =>
      findChromium() === undefined ? undefined : withPlaywright(chromium, chromiumLaunch()),
    packages: ['chromium'],
    playwright: 'chromium',
    variable: 'CHROMIUM',
  },
  {
    name: 'Firefox',
    find() {
      const path = findSystem('FIREFOX', FIREFOX_PATHS)
      if (path === undefined) return findPlaywright(firefox, {})
      return (url) =>
        startProcess([path], (folder) => ['--headless', '--no-remote', '--profile', folder, url])
    },
    packages: ['firefox-esr'],
    playwright: 'firefox',
    variable: 'FIREFOX',
  },
  {
    name: 'WebKit',
    find() {
      const path = findSystem('WEBKIT', WEBKIT_PATHS)
      const options = { env: { ...process.env, ...WEBKIT_ENV } as Record<string, string> }
      if (path === undefined) return findPlaywright(webkit, options)
      // It has no headless mode.
      if (process.env['DISPLAY']) return (url) => startProcess([path], () => [url], WEBKIT_ENV)
      if (!existsSync('/usr/bin/xvfb-run')) return findPlaywright(webkit, options)
      return (url) => startProcess(['/usr/bin/xvfb-run', '-a', path], () => [url], WEBKIT_ENV)
    },
    packages: ['libwebkit2gtk-4.1-0', 'xvfb', 'xauth'],
    playwright: 'webkit',
    variable: 'WEBKIT',
  },
]

/**
 * Finds a browser. If there is none, installs it: with apt as root in a container, or as
 * playwright's.
 */
export function findOrInstall(browser: Browser): OpenPage | undefined {
  let open = browser.find()
  for (const install of open === undefined ? installCommands(browser) : []) {
    console.error(`Found no ${browser.name}; running: ${install.join(' ')}`)
    const [command = '', ...args] = install
    spawnSync(command, args, { stdio: ['ignore', 2, 2], timeout: INSTALL_TIMEOUT_MS })
    open = browser.find()
    if (open !== undefined) break
  }
  return open
}

/** Returns how to install a browser, as a clause. */
export function describeInstallation({ packages, playwright, variable }: Browser): string {
  return `not found. Install it (Debian: apt-get install ${packages.join(' ')}; elsewhere: npx playwright install --with-deps ${playwright}), or set ${variable} to its path`
}

function installCommands({ packages, playwright }: Browser): string[][] {
  const isContainer = existsSync('/.dockerenv') || existsSync('/run/.containerenv')
  const canUseApt = isContainer && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  const apt = ['apt-get', 'install', '-y', '--no-install-recommends', ...packages]
  return [...(canUseApt ? [apt] : []), ['playwright', 'install', playwright]]
}

function findSystem(variable: string, paths: readonly string[]): string | undefined {
  return [process.env[variable], ...paths].find(
    (path) => path !== undefined && path !== '' && existsSync(path),
  )
}

function findPlaywright(type: BrowserType, options: LaunchOptions): OpenPage | undefined {
  return existsSync(type.executablePath()) ? withPlaywright(type, options) : undefined
}

function withPlaywright(type: BrowserType, options: LaunchOptions): OpenPage {
  return async (url) => {
    // IndexedDB stays in memory without a profile on the disk.
    const folder = await mkdtemp(join(tmpdir(), 'botshelf-engine-'))
    const context = await type.launchPersistentContext(folder, options)
    const page = await context.newPage()
    await page.goto(url)
    return {
      version: context.browser()?.version() ?? 'unknown',
      async stop() {
        await context.close()
        await removeFolder(folder)
      },
    }
  }
}

/** Starts a browser with its profile and its settings in a new folder. */
async function startProcess(
  command: readonly [string, ...string[]],
  createArguments: (folder: string) => string[],
  env: NodeJS.ProcessEnv = {},
): Promise<RunningBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-engine-'))
  const [program, ...args] = command
  const browser = spawn(program, [...args, ...createArguments(folder)], {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, ...env, HOME: folder, TMPDIR: folder },
  })
  await new Promise<void>((resolve, reject) => {
    browser.once('spawn', resolve).once('error', reject)
  })
  const onExit = (): void => {
    killGroup(browser)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  process.once('exit', onExit)
  return {
    version: readVersion(command),
    async stop() {
      process.off('exit', onExit)
      killGroup(browser)
      await removeFolder(folder)
    },
  }
}

function readVersion([program, ...args]: readonly [string, ...string[]]): string {
  try {
    const output = execFileSync(program, [...args, '--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return /\d[\w.]*/.exec(output)?.[0] ?? output.trim()
  } catch {
    return 'unknown'
  }
}

/** A killed browser may still write for a moment. */
function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}
