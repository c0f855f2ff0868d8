import { expect, test } from 'vitest'
import { StoreError } from '../../../src/index.ts'
import { NamespaceError } from '../../../src/backup/index.ts'
import { describeError, formatCount } from '../../../worker/web/messages.ts'

test('describeError() names every namespace that cannot be read, and why', () => {
  const cause = new StoreError('CORRUPT', 'Key "bob" holds no value.', { namespace: 'Karma' })
  expect(describeError(new NamespaceError(['Karma'], cause))).toMatch(
    /^Namespace “Karma” cannot be read; the others can\. Some stored data cannot be read\. .*Restore a backup/,
  )
  expect(describeError(new NamespaceError(['Karma', 'Todo'], cause))).toMatch(
    /^Namespaces “Karma”, “Todo” cannot be read/,
  )
})

test('describeError() shows the code of an error that it has no message for', () => {
  const error = new StoreError('INVALID_KEY', 'A key must be a string.', { namespace: 'Karma' })
  expect(describeError(error)).toContain('INVALID_KEY')
})

test('formatCount() chooses the noun and groups digits', () => {
  expect(formatCount(1, 'entry', 'entries')).toBe('1 entry')
  expect(formatCount(0, 'entry', 'entries')).toBe('0 entries')
  expect(formatCount(1200, 'entry', 'entries')).toBe('1,200 entries')
})
