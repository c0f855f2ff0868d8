import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { ChromiumEngine } from '../../scripts/crash/chromium.ts'
import { runCrashes } from '../../scripts/crash/crash-loop.ts'
import { reportFigures } from '../support/report-figures.ts'

/** Of the calls. When the kill comes is random. */
const seed = Number(process.env['VITE_BOTSHELF_SEED'] ?? Date.now() % 1_000_000)

describe.each(['tabs', 'browser'] as const)('kill -9 of the %s of Chromium', (kills) => {
  // Chromium is started four times.
  const timeout = 120_000

  test(
    `leaves each group of changes whole or absent, and loses no write that resolved (seed ${seed})`,
    { timeout },
    async () => {
      // A commit of 200 large values takes long enough that the kill falls into one.
      const engine = new ChromiumEngine({ kills, paddingBytes: 50_000 })
      const figures = await runCrashes({ engine, kills: 3, seed, groupSize: 200 })
      // Chromium itself may erase the databases; the runtime reports that.
      expect(figures).toMatchObject({ kills: 3, lost: 0, torn: 0, violations: [] })
      expect(figures.reported).toBe(figures.erased)
      reportFigures({ engine: 'IndexedDB, Chromium', suite: `crash of ${kills}`, seed, ...figures })
    },
  )
})

test('databases that the browser has erased are counted apart from lost writes', async () => {
  let profile = ''
  let kills = 0
  class ErasingChromium extends ChromiumEngine {
    override async start(folder: string): Promise<void> {
      profile = folder
      await super.start(folder)
    }

    override async kill(): Promise<void> {
      await super.kill()
      // A runtime cannot report the loss of a database that it opened just before the first kill.
      if (++kills < 2) return
      await rm(join(profile, 'Default', 'IndexedDB'), { recursive: true })
    }
  }
  const figures = await runCrashes({ engine: new ErasingChromium(), kills: 2, seed })
  expect(figures).toMatchObject({ erased: 1, reported: 1, lost: 0, torn: 0, violations: [] })
})
