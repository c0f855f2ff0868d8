import { expect, test, vi } from 'vitest'
import { chained, Operation } from '../../../src/queue/operation.ts'

test('operations that share keys one after another are parted in steps in proportion to their number', () => {
  const count = 2000
  const pairs = Array.from(
    { length: count },
    (_, i) => new Operation([`k${count - 1 - i}`, `k${count - i}`], []),
  )
  const singles = Array.from({ length: count }, () => new Operation([`k${count}`], []))
  const looks = vi.spyOn(Map.prototype, 'get')
  const chains = chained([...pairs, ...singles])
  const made = looks.mock.calls.length
  looks.mockRestore()
  expect(chains).toEqual([[...pairs, ...singles]])
  // Not halved, the ways would take a million.
  expect(made).toBeLessThan(50 * count)
})
