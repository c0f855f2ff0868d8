import { expect, test } from 'vitest'
import { faultScript } from '../../src/conformance/fault-rules.ts'
import type { StoragePluginBase } from '../../src/index.ts'
import {
  eachFault,
  type EachFaultOptions,
  type EachFaultResult,
} from '../../src/testing/each-fault.ts'
import { FAULT_KINDS, type FaultKind } from '../../src/testing/faults.ts'
import { reportFigures } from './report-figures.ts'

/**
 * Runs the script of the conformance suite with each of its calls failing, and reports how often it
 * ran.
 *
 * @param run calls `eachFaultOf`, where the plugin is
 */
export function testEachFault(engine: string, run: () => Promise<EachFaultResult>): void {
  test(`no result is impossible on ${engine} if any one call fails`, async () => {
    const { runs, reports } = await run()
    reportFigures({ engine, suite: 'faults', cases: runs, faults: runs - 1 })
    expect(reports).toEqual([])
    // At least each call of the script reaches the plugin.
    expect(runs).toBeGreaterThan(25)
  })
}

/** @param faults default: each call has one of them, in turn, since backends with I/O take longer */
export function eachFaultOf(
  makePlugin: () => StoragePluginBase,
  faults: EachFaultOptions['faults'] = ({ index }) => [kindOf(index)],
): Promise<EachFaultResult> {
  const runtime = { allowLostUpdates: true }
  return eachFault(makePlugin, faultScript, {
    faults,
    concurrency: 8,
    operationTimeout: 50,
    runtime,
  })
}

function kindOf(index: number): FaultKind {
  return FAULT_KINDS[index % FAULT_KINDS.length] ?? 'late'
}
