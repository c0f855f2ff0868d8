import { expect, test, vi } from 'vitest'
import { parseAdmins, type Env } from '../../../worker/env.ts'

function read(given: unknown): { admins: readonly string[]; logged: number } {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    return { admins: parseAdmins({ BOT_ADMINS: given } as Env), logged: log.mock.calls.length }
  } finally {
    log.mockRestore()
  }
}

const TWO = ['telegram:4242', 'irc:eve']

test.each<[unknown, readonly string[]]>([
  [undefined, []],
  [[], []],
  ['', []],
  ['[]', []],
  [TWO, TWO],
  ['["telegram:4242", "irc:eve"]', TWO],
  [' telegram:4242 ,irc:eve, ', TWO],
  ['telegram:4242', ['telegram:4242']],
])('admins are a list, or text of one: %j', (given, names) => {
  expect(read(given)).toEqual({ admins: names, logged: 0 })
})

test.each([
  5,
  true,
  null,
  {},
  { 0: 'telegram:4242' },
  [4242],
  ['telegram:4242', 4242],
  [['telegram:4242']],
  '4242',
  'telegram:4242, eve',
  'telegram:',
  '"telegram:4242"',
  '{"telegram:4242":true}',
  '["telegram:4242"',
  '[telegram:4242]',
])('a value of any other form makes no one an admin and is logged: %j', (given) => {
  expect(read(given)).toEqual({ admins: [], logged: 1 })
})
