import process from 'node:process'
import { expect, test } from 'vitest'
import { runCrashes } from '../../scripts/crash/crash-loop.ts'
import { WorkerdEngine } from '../../scripts/crash/workerd.ts'
import { reportFigures } from '../support/report-figures.ts'

/** Of the calls. When the kill comes is random. */
const seed = Number(process.env['VITE_BOTSHELF_SEED'] ?? Date.now() % 1_000_000)

test(`kill -9 of workerd loses no acknowledged write and tears no group (seed ${seed})`, async () => {
  const figures = await runCrashes({ engine: new WorkerdEngine(), kills: 3, seed })
  expect(figures).toMatchObject({ kills: 3, lost: 0, torn: 0, violations: [] })
  reportFigures({ engine: 'Durable Object, workerd', suite: 'crash', seed, ...figures })
})

test('a Worker that acknowledges before it writes is seen to lose writes', async () => {
  const engine = new WorkerdEngine({ acknowledgesEarly: true })
  const { lost, violations } = await runCrashes({ engine, kills: 1, seed })
  expect(lost).toBeGreaterThan(0)
  expect(violations).not.toEqual([])
})
