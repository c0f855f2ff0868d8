// Installs playwright's Chromium for the tests, unless there is one already: npm run chromium
import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { findChromium } from './chromium.ts'

if (findChromium() === undefined) {
  console.log('Found no Chromium; installing the one of playwright ...')
  spawnSync('playwright', ['install', 'chromium'], { stdio: 'inherit', timeout: 300_000 })
}
if (findChromium() === undefined) {
  console.error(
    'Found no Chromium, which the tests need. Install it (Debian: apt-get install chromium), or set CHROMIUM to its path.',
  )
  process.exitCode = 1
}
