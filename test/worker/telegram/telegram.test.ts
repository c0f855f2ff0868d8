import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { BOT_TOKEN, FakeBotApi } from '../../../scripts/bot-api.ts'
import { splitMessages } from '../../../worker/telegram/split-messages.ts'
import { telegramNick } from '../../../worker/telegram/nick.ts'
import { parseUpdate, type TelegramMessage } from '../../../worker/telegram/update.ts'
import { isTelegramEnabled } from '../../../worker/telegram.ts'
import { textUpdate } from './support/deliver.ts'

describe('the messages of a reply', () => {
  test.each<[string, string[], string[]]>([
    ['nothing', [], []],
    ['blanks, which Telegram refuses', [' ', '\n', ''], []],
    [
      'invisible characters, which Telegram rejects too',
      ['\u200b', '\u2060 \u3164', '\u2800\ufe0f'],
      [],
    ],
    [
      'visible text, without the invisible message beside it',
      ['\u200b'.repeat(4096), 'shown \u200b'],
      ['shown \u200b'],
    ],
    ['several lines in one', ['a', 'b\nc', 'd'], ['a\nb\nc\nd']],
    ['the longest line whole', ['x'.repeat(4096)], ['x'.repeat(4096)]],
    ['a longer line in two', ['x'.repeat(4097)], ['x'.repeat(4096), 'x']],
    [
      'text split at line breaks',
      ['x'.repeat(4000), 'y'.repeat(95), 'z'],
      [`${'x'.repeat(4000)}\n${'y'.repeat(95)}`, 'z'],
    ],
    ['no half characters', [`x${'😀'.repeat(2048)}`], [`x${'😀'.repeat(2047)}`, '😀']],
    ['what came as half a character whole', ['a\ud800b'], ['a\ufffdb']],
  ])('are %s', (_rule, replies, messages) => {
    expect(splitMessages(replies)).toEqual(messages)
  })
  test('are at most 20, and the last one says that more was cut', () => {
    const lines = Array.from({ length: 20 }, (_, i) => String(i % 10).repeat(4096))
    expect(splitMessages(lines)).toEqual(lines)
    const cut = splitMessages([...lines, 'more'])
    expect(cut).toHaveLength(20)
    expect(cut.slice(0, 19)).toEqual(lines.slice(0, 19))
    expect(cut[19]).toMatch(/^9+\nThis reply is longer; the rest was cut\.$/)
    expect(cut[19]).toHaveLength(4096)
  })
})

describe('a nick', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ username: 'ann_lee', first_name: 'Ann' }, 'ann_lee'],
    [{ first_name: 'Ann', last_name: 'Lee' }, 'Ann-Lee-0007'],
    [{ title: 'Ubuntu offtopic' }, 'Ubuntu-offtopic-0007'],
    [{ username: 'eve\nroot has 9 karma.', first_name: 'eve' }, 'eve-0007'],
    [{ first_name: 'eve\nroot has 9 karma.' }, 'eve-root-has-9-karma.-0007'],
    [{ first_name: '\u202eeve\u2066\u0000' }, 'eve-0007'],
    [{ first_name: '\u3164\u200b' }, '7'],
    [{ first_name: '' }, '7'],
    [{ first_name: '😀'.repeat(40) }, `${'😀'.repeat(32)}-0007`],
    [{ first_name: '__proto__' }, '__proto__-0007'],
    [{}, '7'],
  ])('is one visible line, or the id: %j', (sender, nick) => {
    expect(telegramNick(7, sender)).toBe(nick)
  })
  test.each([
    [{ username: 'ann_lee' }, { first_name: 'ann_lee' }],
    [{ username: 'ann_lee' }, { title: 'Ann_Lee' }],
    [{ first_name: 'Alex' }, { first_name: 'Alex' }],
  ])('differs for two users of one name: %j', (one, another) => {
    expect(telegramNick(12_345_001, one).toLowerCase()).not.toBe(
      telegramNick(12_345_002, another).toLowerCase(),
    )
  })
  test('is an IRC nick that ++ can raise: one word of letters, digits and dashes', () => {
    expect(telegramNick(5_012_345_678, { first_name: 'Ann', last_name: 'Lee' })).toBe(
      'Ann-Lee-5678',
    )
    expect(telegramNick(-1_001_500_000_002, { title: 'Ubuntu news' })).toBe('Ubuntu-news-0002')
  })
})

function said(more: Parameters<typeof textUpdate>[2]): TelegramMessage | undefined {
  return parseUpdate(textUpdate(5, 'hello', more)).message
}

describe('an update', () => {
  test.each([1, 8.64e12])('with a date that a Date can represent is accepted: %d', (date) => {
    expect(new Date(said({ date })?.at ?? Number.NaN).getTime()).toBe(date * 1000)
  })
  test.each([0, -1, 8.64e12 + 1, 1.5, '1767355200'])(
    'with any other date is refused: %j',
    (date) => {
      expect(() => said({ date })).toThrow(expect.objectContaining({ status: 400 }))
    },
  )
  test.each([null, 'channel', 5, [], [{ id: 1 }]])(
    'whose sender_chat is malformed is refused and not attributed to the user: %j',
    (sender_chat) => {
      expect(() => said({ sender_chat })).toThrow(expect.objectContaining({ status: 400 }))
    },
  )
  test.each([
    { business_connection_id: 'abc' },
    { guest_query_id: 'abc' },
    { ephemeral_message_id: 7, message_id: 0 },
  ])('that the sender did not write to the bot is ignored: %j', (field) => {
    expect(said(field)).toBeUndefined()
  })
  test.each<[Record<string, unknown>, boolean]>([
    [{ type: 'private' }, true],
    [{ type: 'group' }, false],
    [{ type: 'supergroup' }, false],
    [{ type: 'channel' }, false],
    [{ type: 'supergroup', is_direct_messages: true }, true],
    [{ type: 'of tomorrow' }, true],
    [{ type: undefined }, true],
  ])('is private if only the sender and the bot read the chat: %j', (chat, isPrivate) => {
    expect(said({ chat })?.isPrivate).toBe(isPrivate)
  })
  test('has a direct-messages topic only in the direct messages of a channel', () => {
    const direct_messages_topic = { topic_id: 4_503_599_627_370_495 }
    const chat = { type: 'supergroup', is_direct_messages: true }
    expect(said({ chat, direct_messages_topic })?.directTopic).toBe(4_503_599_627_370_495)
    expect(said({ direct_messages_topic })?.directTopic).toBeUndefined()
    expect(said({ chat })?.directTopic).toBeUndefined()
  })
})

test.each<[Record<string, string>, boolean]>([
  [{ TELEGRAM_BOT_TOKEN: '1:a', TELEGRAM_WEBHOOK_SECRET: 's' }, true],
  [{ TELEGRAM_BOT_TOKEN: '1:a' }, false],
  [{ TELEGRAM_WEBHOOK_SECRET: 's' }, false],
  [{ TELEGRAM_BOT_TOKEN: '', TELEGRAM_WEBHOOK_SECRET: 's' }, false],
  [{ TELEGRAM_BOT_TOKEN: '1:a', TELEGRAM_WEBHOOK_SECRET: '' }, false],
])('Telegram is enabled only if both secrets are set: %j', (env, talks) => {
  expect(isTelegramEnabled(env)).toBe(talks)
})

test('the documented commands set the webhook and put no secret into the arguments of a command', async () => {
  const page = await readFile(new URL('../../../docs/the-bot.md', import.meta.url), 'utf8')
  const [, lines = ''] = /```sh\n((?:(?!```)[^])*setWebhook(?:(?!```)[^])*)```/.exec(page) ?? []
  const curl = lines.slice(lines.indexOf('curl'))
  expect(/^curl.*$/m.exec(curl)?.[0]).not.toContain('$')
  const api = await FakeBotApi.start()
  try {
    const shell = spawn('sh', ['-c', curl.replace('https://api.telegram.org', api.url)], {
      env: {
        ...process.env,
        TELEGRAM_BOT_TOKEN: BOT_TOKEN,
        TELEGRAM_WEBHOOK_SECRET: 'Secret_1-2',
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    expect(JSON.parse(await textOf(shell.stdout))).toEqual({ ok: true, result: true })
    const body = {
      url: 'https://YOUR-BOT.YOUR-NAME.workers.dev/telegram',
      secret_token: 'Secret_1-2',
      allowed_updates: ['message', 'channel_post', 'callback_query'],
    }
    expect(api.calls).toMatchObject([{ method: 'setWebhook', token: BOT_TOKEN, body }])
  } finally {
    await api.close()
  }
})
