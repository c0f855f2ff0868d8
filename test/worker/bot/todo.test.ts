import { expect, test } from 'vitest'
import { startTestBot } from '../support/test-bot.ts'

test('a list is its owner’s: by identity, not by name', async () => {
  const { say } = await startTestBot()
  expect(await say('ann', '!todo')).toEqual(['Your list is empty.'])
  expect(await say('ann', '!todo add water  the plants')).toEqual(['Added as 1.'])
  await say('ann', '!todo add sleep')
  expect(await say('ann', '!todo')).toEqual(['1. water  the plants', '2. sleep'])
  expect(await say('ann', '!todo', { identity: 'telegram:1' })).toEqual(['Your list is empty.'])
})

test('a number stays with its item, and is not used again', async () => {
  const { say } = await startTestBot()
  for (const item of ['a', 'b', 'c']) await say('ann', `!todo add ${item}`)
  expect(await say('ann', '!todo done 1')).toEqual(['Done: a'])
  expect(await say('ann', '!todo done 1')).toEqual(['There is no 1 on your list.'])
  expect(await say('ann', '!todo done 3')).toEqual(['Done: c'])
  expect(await say('ann', '!todo add d')).toEqual(['Added as 4.'])
  expect(await say('ann', '!todo')).toEqual(['2. b', '4. d'])
})

test('100 items at once are 100 items, and no more fit', async () => {
  const { say } = await startTestBot()
  const ids = await Promise.all(Array.from({ length: 100 }, (_, i) => say('ann', `!todo add ${i}`)))
  expect(new Set(ids.flat()).size).toBe(100)
  expect(await say('ann', '!todo add more')).toEqual(['Your list has 100 items; do one first.'])
})

test.each(['!todo add', '!todo done', '!todo done x', '!todo what'])(
  'what is wrong gets told what is right: %s',
  async (text) => {
    const { say } = await startTestBot()
    expect((await say('ann', text))[0]).toContain('!todo add text')
  },
)

test('somebody whose name holds half a character gets a sentence', async () => {
  const { say } = await startTestBot()
  expect((await say('\ud800', '!todo add x'))[0]).toContain('half a character')
})
