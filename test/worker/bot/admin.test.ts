import { describe, expect, test } from 'vitest'
import { decode } from '../../../src/codec.ts'
import { Karma } from '../../../worker/bot/karma.ts'
import { startTestBot } from '../support/test-bot.ts'

describe('an admin', () => {
  const refused = ['Only an admin may use !plugins.']
  test('is a user with the admin token', async () => {
    const { say, admin } = await startTestBot()
    expect(await admin('!plugins')).not.toEqual(refused)
    expect(await say('boss', '!plugins')).toEqual(refused)
  })
  test('is an identity in BOT_ADMINS, but never a web identity', async () => {
    const { say } = await startTestBot(['telegram:12345', 'web:ann'])
    expect(await say('x', '!plugins', { identity: 'telegram:12345' })).not.toEqual(refused)
    expect(await say('x', '!plugins', { identity: 'telegram:1234' })).toEqual(refused)
    expect(await say('ann', '!plugins')).toEqual(refused)
  })
  test.each([
    '!config Karma {"step":9}',
    '!blacklist Karma',
    '!unblacklist Karma',
    '!storage',
    '!backup',
  ])('only an admin may use %s', async (text) => {
    const { say, stored } = await startTestBot()
    expect((await say('ann', text))[0]).toContain('Only an admin may use')
    expect(await stored('core')).toEqual({})
  })
  test('!help lists the commands that the sender may use', async () => {
    const { say, admin } = await startTestBot()
    expect((await say('ann', '!help')).join('\n')).not.toContain('!backup')
    expect((await admin('!help')).join('\n')).toContain('!backup')
  })
})

describe('settings', () => {
  test('are shown, changed one by one, and stored in core', async () => {
    const { admin, stored } = await startTestBot()
    expect(await admin('!config karma')).toEqual(['Karma: {"step":1}'])
    expect(await admin('!config Karma {"step": 2}')).toEqual(['Karma: {"step":2}'])
    expect(await stored('core')).toEqual({ configs: { Karma: { step: 2 } } })
  })
  test.each([
    ['!config', 'The plugins are: Factoids'],
    ['!config Nothing', 'The plugins are: Factoids'],
    ['!config Karma {step: 2}', 'not valid JSON'],
    ['!config Karma [1]', 'a JSON object'],
    ['!config Karma {"stop": 2}', 'The settings are: step.'],
    ['!config Karma {"__proto__": {"step": 2}}', 'no setting "__proto__"'],
    ['!config Karma {"step": "2"}', 'must be a number'],
  ])('%s is answered with: %s', async (text, reply) => {
    const { admin, stored } = await startTestBot()
    expect((await admin(text))[0]).toContain(reply)
    expect(await stored('core')).toEqual({})
  })
})

describe('a blacklisted plugin', () => {
  test('neither replies nor receives messages until it is removed from the list', async () => {
    const { say, admin, stored } = await startTestBot()
    expect(await admin('!blacklist karma')).toEqual(['Karma is blacklisted.'])
    await admin('!blacklist Karma')
    expect(await stored('core')).toEqual({ bl_plugins: ['Karma'] })
    expect(await say('ann', 'bob++')).toEqual([])
    expect(await say('ann', '!karma bob')).toEqual([])
    expect((await admin('!plugins')).join('\n')).toContain('Karma (blacklisted)')
    expect(await admin('!unblacklist Karma')).toEqual(['Karma is no longer blacklisted.'])
    expect(await say('ann', 'bob++')).toEqual(['bob has 1 karma.'])
  })
  test('Factoids neither answers requests nor counts them', async () => {
    const { say, admin, stored } = await startTestBot()
    await admin('!blacklist Factoids')
    expect(await say('ann', '!tea')).toEqual([])
    expect(await stored('Factoids')).toEqual({})
  })
  test('cannot be Admin, since no command could undo it', async () => {
    const { admin } = await startTestBot()
    expect(await admin('!blacklist Admin')).toEqual(['Admin cannot be blacklisted.'])
  })
})

describe('the storage', () => {
  test('!storage counts the entries of every namespace', async () => {
    const { say, admin } = await startTestBot()
    await say('ann', 'bob++')
    await say('ann', '!tea')
    await say('ann', '!coffee')
    const lines = await admin('!storage')
    expect(lines).toContain('Factoids: 2 entries')
    expect(lines).toContain('Karma: 1 entry')
    expect(lines).toContain('Seen: 2 entries')
  })
  test('!backup prints one line per entry, with a value that the codec decodes', async () => {
    const { say, admin, stored } = await startTestBot()
    await say('__proto__', 'bob++')
    await say('ann', '!learn tea = "left", `right` \ud800')
    const backup: Record<string, Record<string, unknown>> = {}
    for (const line of await admin('!backup')) {
      const entry = JSON.parse(line) as { namespace: string; key: string; value: string }
      Object.defineProperty((backup[entry.namespace] ??= {}), entry.key, {
        value: decode(entry.value),
        enumerable: true,
      })
    }
    expect(Object.keys(backup).toSorted()).toEqual(['Factoids', 'Karma', 'Seen'])
    for (const namespace of ['Factoids', 'Karma', 'Seen']) {
      expect(backup[namespace]).toEqual(await stored(namespace))
    }
  })
  test('!backup over 64 KiB prints only where to download it', async () => {
    const { say, admin } = await startTestBot()
    for (let i = 0; i < 20; i++) await say('ann', `!learn big${i} = ${'x'.repeat(4000)}`)
    const replies = await admin('!backup')
    expect(replies).toEqual([
      'The backup has more than 65536 bytes, too many for a conversation: download it on the page, or with GET /admin/backup.',
    ])
  })
  test('a failure of the storage is thrown, not hidden in a reply', async () => {
    const { say, bot, runtime } = await startTestBot()
    const karma = bot.manager.all.find((plugin) => plugin instanceof Karma)
    await karma?.closeStorage()
    await expect(say('ann', 'bob++')).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
    await expect(say('ann', '!karma bob')).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
    await runtime.close()
    await expect(say('ann', 'hello')).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
  })
})
