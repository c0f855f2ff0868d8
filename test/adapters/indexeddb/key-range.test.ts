import { IDBKeyRange } from 'fake-indexeddb'
import { expect, test, vi } from 'vitest'
import { toKeyRange } from '../../../adapters/indexeddb/key-range.ts'

vi.stubGlobal('IDBKeyRange', IDBKeyRange)

const KEYS = ['', 'a', 'a\uffff', 'ab', 'ab\0', 'b', '\u{1f600}', '\ufb01', '\uffff', '\uffffa']

test('a range has exactly the keys with the prefix that come after a key in the order of the listing', () => {
  for (const prefix of KEYS) {
    for (const after of [undefined, ...KEYS]) {
      for (const reverse of [false, true]) {
        const isSelected = (key: string): boolean =>
          key.startsWith(prefix) && (after === undefined || (reverse ? key < after : key > after))
        const range = toKeyRange({ prefix, after, reverse })
        const inRange = KEYS.filter((key) => range?.includes(key) ?? false)
        expect(inRange, JSON.stringify({ prefix, after, reverse })).toEqual(KEYS.filter(isSelected))
      }
    }
  }
})
