import { expect, test } from 'vitest'
import { startTestBot } from '../support/test-bot.ts'

test('a list belongs to an identity, not to a name', async () => {
  const { say } = await startTestBot()
  expect(await say('ann', '!todo')).toEqual(['Your list is empty.'])
  expect(await say('ann', '!todo add water  the plants')).toEqual(['Added as 1.'])
  await say('ann', '!todo add sleep')
  expect(await say('ann', '!todo')).toEqual(['1. water  the plants', '2. sleep'])
  expect(await say('ann', '!todo', { identity: 'telegram:1' })).toEqual(['Your list is empty.'])
})

test('the number of an item does not change and is not reused', async () => {
  const { say } = await startTestBot()
  for (const item of ['a', 'b', 'c']) await say('ann', `!todo add ${item}`)
  expect(await say('ann', '!todo done 1')).toEqual(['Done: a'])
  expect(await say('ann', '!todo done 1')).toEqual(['Your list has no item 1.'])
  expect(await say('ann', '!todo done 3')).toEqual(['Done: c'])
  expect(await say('ann', '!todo add d')).toEqual(['Added as 4.'])
  expect(await say('ann', '!todo')).toEqual(['2. b', '4. d'])
})

test('100 items can be added concurrently, and then the list is full', async () => {
  const { say } = await startTestBot()
  const ids = await Promise.all(Array.from({ length: 100 }, (_, i) => say('ann', `!todo add ${i}`)))
  expect(new Set(ids.flat()).size).toBe(100)
  expect(await say('ann', '!todo add more')).toEqual([
    'Your list is full: it has 100 items. Finish one first with: !todo done number',
  ])
})

test.each(['!todo add', '!todo done', '!todo done x', '!todo what'])(
  'a wrong command is answered with the usage: %s',
  async (text) => {
    const { say } = await startTestBot()
    expect((await say('ann', text))[0]).toContain('!todo add text')
  },
)

test('a user whose name has an unpaired surrogate gets an explanation', async () => {
  const { say } = await startTestBot()
  expect((await say('\ud800', '!todo add x'))[0]).toContain('a broken character')
})
