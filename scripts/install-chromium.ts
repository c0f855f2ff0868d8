// Makes sure that there is a Chromium for the tests, installing playwright's own where there is
// none: npm run chromium

import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { findChromium } from './chromium.ts'

if (findChromium() === undefined) {
  console.log('There is no Chromium; playwright installs one ...')
  spawnSync('playwright', ['install', 'chromium'], { stdio: 'inherit', timeout: 300_000 })
}
if (findChromium() === undefined) {
  console.error(
    'The tests need Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM to the path of one.',
  )
  process.exitCode = 1
}
