import { describe, expect, test } from 'vitest'
import { ChromiumEngine } from '../../scripts/crash/chromium.ts'
import { runCrashes } from '../../scripts/crash/crash-loop.ts'

const seed = Date.now() % 1_000_000

describe.each(['tabs', 'browser'] as const)('kill -9 of the %s of Chromium', (kills) => {
  test(`leaves each group of changes whole or absent, and loses no write that resolved (seed ${seed})`, async () => {
    // A commit of 200 large values takes long enough that the kill falls into one.
    const engine = new ChromiumEngine({ kills, paddingBytes: 50_000 })
    const figures = await runCrashes({ engine, kills: 3, seed, groupSize: 200 })
    // Chromium itself may erase the databases; the runtime reports that.
    expect(figures).toMatchObject({ kills: 3, lost: 0, torn: 0, faults: [] })
    expect(figures.reported).toBe(figures.erased)
  })
})
