import { expect, test, vi } from 'vitest'
import { groupByKey, Operation } from '../../../src/queue/operation.ts'

test('groupByKey() takes time in proportion to the operations, even if they share keys one by one', () => {
  const count = 2000
  const pairs = Array.from(
    { length: count },
    (_, i) => new Operation([`k${count - 1 - i}`, `k${count - i}`], { changes: [] }),
  )
  const singles = Array.from({ length: count }, () => new Operation([`k${count}`], { changes: [] }))
  const lookUps = vi.spyOn(Map.prototype, 'get')
  const groups = groupByKey([...pairs, ...singles])
  const lookUpCount = lookUps.mock.calls.length
  lookUps.mockRestore()
  expect(groups).toEqual([[...pairs, ...singles]])
  // Without path halving it would be a million.
  expect(lookUpCount).toBeLessThan(50 * count)
})
