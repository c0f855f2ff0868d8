import { expect, onTestFinished, test, vi } from 'vitest'
import { Poller } from '../../../worker/web/poller.ts'
import { eventually } from './support/eventually.ts'

test('polling continues after a run that failed', async () => {
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }))
  vi.stubGlobal('addEventListener', () => {})
  onTestFinished(() => void vi.unstubAllGlobals())
  const stop = new AbortController()
  let runs = 0
  const task = async (): Promise<void> => {
    runs++
    if (runs === 1) throw new Error('once')
  }
  const poller = new Poller(task, 10, stop.signal)
  await expect(poller.runNow()).rejects.toThrow('once')
  await eventually(() => runs).toBeGreaterThan(2)
  await poller.runNow()
  stop.abort()
})
