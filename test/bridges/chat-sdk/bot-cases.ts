import { createMemoryState } from '@chat-adapter/state-memory'
import { LockError, Message, type StateAdapter } from 'chat'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type BridgeBackend, describeBridge, recordLostUpdates } from '../support/bridge.ts'
import { type Bot, createGate, deliver, startBot } from './bot.ts'
import { connect } from './state-cases.ts'
import { SENT_AT, THREAD_ID } from './test-adapter.ts'

const UPDATES = 100

interface Count {
  count: number
}

/**
 * Delivers 100 messages of one thread at once to bots that count them in the state of the thread,
 * and resolves to the count that the first bot then reads.
 */
async function countMessages(states: readonly StateAdapter[]): Promise<number> {
  const concurrency = { strategy: 'queue', maxQueueSize: UPDATES } as const
  const bots = await Promise.all(
    states.map(async (state) => {
      const bot = await startBot<Count>(state, { concurrency })
      bot.chat.onNewMention(async (thread, message, context) => {
        const messages = [...(context?.skipped ?? []), message]
        const added = messages.filter(({ text }) => text === 'count').length
        const { count } = (await thread.state) ?? { count: 0 }
        await thread.setState({ count: count + added })
      })
      return bot
    }),
  )
  await Promise.all(
    Array.from({ length: UPDATES }, async (_, index) =>
      deliver(bots[index % bots.length]!, { id: `${index}`, text: 'count' }),
    ),
  )
  // Chat leaves a message that is queued just before a lock is released to the next message.
  await deliver(bots[0]!, { id: 'last', text: 'drain the queue' })
  const { count } = (await bots[0]!.chat.thread(THREAD_ID).state) ?? { count: 0 }
  return count
}

/** How the `Chat` class uses a state adapter. */
export function testChatBot(backend: BridgeBackend): void {
  describeBridge('chat-sdk', backend, ({ open, openAll }) => {
    async function startBots(
      count: number,
      config?: Parameters<typeof startBot>[1],
    ): Promise<readonly Bot[]> {
      const states = await Promise.all((await openAll(count)).map(connect))
      return Promise.all(states.map(async (state) => startBot(state, config)))
    }

    test('10 bots count 100 messages of a thread that arrive at once', async (context) => {
      const states = await Promise.all((await openAll(10)).map(connect))
      const ours = UPDATES - (await countMessages(states))
      // Each isolate of a Worker has a memory of its own. Its types are those of a second copy of Chat.
      const memories = Array.from(
        { length: 10 },
        () => createMemoryState() as unknown as StateAdapter,
      )
      const theirs = UPDATES - (await countMessages(memories))
      const theirName = '@chat-adapter/state-memory, one per instance'
      recordLostUpdates(context, { updates: UPDATES, ours, theirs, theirName })
      expect(ours).toBe(0)
      expect(theirs).toBeGreaterThan(0)
    })

    test('a message that a platform delivers to two bots is handled once', async () => {
      const bots = await startBots(2, { concurrency: 'concurrent' })
      const handled: string[] = []
      for (const { chat } of bots) chat.onNewMention(async (_, { id }) => void handled.push(id))
      const ids = Array.from({ length: 20 }, (_, index) => `${index}`)
      await Promise.all(
        ids.flatMap((id) => bots.map(async (bot) => deliver(bot, { id, text: 'hello' }))),
      )
      expect(handled.toSorted()).toEqual(ids.toSorted())
    })

    test('a message is dropped while another bot handles one of the thread', async () => {
      const [first, second] = (await startBots(2)) as [Bot, Bot]
      const [started, finish] = [createGate(), createGate()]
      const handled: string[] = []
      first.chat.onNewMention(async (_, { id }) => {
        handled.push(id)
        started.open()
        await finish.opened
      })
      second.chat.onNewMention(async (_, { id }) => void handled.push(id))
      const done = deliver(first, { id: '1', text: 'hello' })
      await started.opened
      await expect(deliver(second, { id: '2', text: 'hello' })).rejects.toThrow(LockError)
      await deliver(second, { id: '3', text: 'hello', threadId: 'test:channel:other' })
      finish.open()
      await done
      await deliver(second, { id: '4', text: 'hello' })
      expect(handled).toEqual(['1', '3', '4'])
    })

    test('a handler that lost its lock by force does not release that of the next', async () => {
      const [first, second] = (await startBots(2, { onLockConflict: 'force' })) as [Bot, Bot]
      const gates = { 1: createGate(), 2: createGate() }
      const started = { 1: createGate(), 2: createGate() }
      for (const { chat } of [first, second]) {
        chat.onNewMention(async (_, { id }) => {
          started[id as '1'].open()
          await gates[id as '1'].opened
        })
      }
      const done1 = deliver(first, { id: '1', text: 'hello' })
      await started[1].opened
      const done2 = deliver(second, { id: '2', text: 'hello' })
      await started[2].opened
      gates[1].open()
      await done1
      const state = first.chat.getState()
      expect(await state.acquireLock(THREAD_ID, 1000)).toBeNull()
      gates[2].open()
      await done2
      expect(await state.acquireLock(THREAD_ID, 1000)).not.toBeNull()
    })

    test('a lock lasts as long as its handler, because Chat extends it every 10 seconds', async () => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
      onTestFinished(() => void vi.useRealTimers())
      const state = await connect(await open(() => Date.now()))
      const bot = await startBot(state)
      const [started, finish] = [createGate(), createGate()]
      bot.chat.onNewMention(async () => {
        started.open()
        await finish.opened
      })
      const done = deliver(bot, { id: '1', text: 'hello' })
      await started.opened
      for (let seconds = 10; seconds <= 60; seconds += 10) {
        vi.advanceTimersByTime(10_000)
        await new Promise((resolve) => setTimeout(resolve, 50))
        expect(await state.acquireLock(THREAD_ID, 1000), `after ${seconds} s`).toBeNull()
      }
      finish.open()
      await done
      expect(await state.acquireLock(THREAD_ID, 1000)).not.toBeNull()
    })

    test('queued messages of another bot arrive as messages, the latest with the skipped ones', async () => {
      const [first, second] = (await startBots(2, { concurrency: 'queue' })) as [Bot, Bot]
      const [started, finish] = [createGate(), createGate()]
      const calls: Message[][] = []
      first.chat.onNewMention(async (_, message, context) => {
        calls.push([...(context?.skipped ?? []), message])
        started.open()
        await finish.opened
      })
      const done = deliver(first, { id: '1', text: 'one' })
      await started.opened
      class Payload {
        readonly kind = 'payload'
        readonly link = new URL('https://a.example/')
        readonly reply = (): void => {}
      }
      await second.platform.deliver({ id: '2', text: 'two', raw: new Payload() })
      await second.platform.deliver({ id: '3', text: '**three**' })
      finish.open()
      await done
      expect(calls.map((messages) => messages.map(({ id }) => id))).toEqual([['1'], ['2', '3']])
      const [two, three] = calls[1] as [Message, Message]
      expect(two).toBeInstanceOf(Message)
      expect(two.metadata.dateSent).toEqual(SENT_AT)
      expect(two.raw).toEqual({ kind: 'payload', link: 'https://a.example/' })
      expect(three.text).toBe('**three**')
      expect(three.formatted.children[0]).toMatchObject({ children: [{ type: 'strong' }] })
    })

    test('a full queue drops its oldest messages, or refuses the newest', async () => {
      const results = await Promise.all(
        (['drop-oldest', 'drop-newest'] as const).map(async (onQueueFull) => {
          const concurrency = { strategy: 'queue', maxQueueSize: 2, onQueueFull } as const
          const [bot] = (await startBots(1, { concurrency })) as [Bot]
          const [started, finish] = [createGate(), createGate()]
          const handled: string[] = []
          bot.chat.onNewMention(async (_, message, context) => {
            for (const { id } of [...(context?.skipped ?? []), message]) handled.push(id)
            started.open()
            await finish.opened
          })
          const done = deliver(bot, { id: '1', text: 'hello' })
          await started.opened
          for (const id of ['2', '3', '4']) {
            await deliver(bot, { id, text: 'hello' })
          }
          finish.open()
          await done
          return handled
        }),
      )
      expect(results).toEqual([
        ['1', '3', '4'],
        ['1', '2', '3'],
      ])
    })

    test('messages that expire in the queue are not handled', async () => {
      const concurrency = { strategy: 'queue', queueEntryTtlMs: 1 } as const
      const [bot] = (await startBots(1, { concurrency })) as [Bot]
      const [started, finish] = [createGate(), createGate()]
      const handled: string[] = []
      bot.chat.onNewMention(async (_, { id }) => {
        handled.push(id)
        started.open()
        await finish.opened
      })
      const done = deliver(bot, { id: '1', text: 'hello' })
      await started.opened
      await deliver(bot, { id: '2', text: 'hello' })
      await new Promise((resolve) => setTimeout(resolve, 20))
      finish.open()
      await done
      expect(handled).toEqual(['1'])
    })

    test.each(['debounce', 'burst'] as const)(
      '%s handles the last of several messages',
      async (strategy) => {
        const bots = await startBots(2, { concurrency: { strategy, debounceMs: 400 } })
        const calls: string[][] = []
        for (const { chat } of bots) {
          chat.onNewMention(async (_, message, context) => {
            calls.push([...(context?.skipped ?? []), message].map(({ id }) => id))
          })
        }
        const done = deliver(bots[0]!, { id: '1', text: 'hello' })
        await expect.poll(async () => bots[0]!.chat.getState().queueDepth(THREAD_ID)).toBe(1)
        await deliver(bots[1]!, { id: '2', text: 'hello' })
        await deliver(bots[1]!, { id: '3', text: 'hello' })
        await done
        expect(calls).toEqual([['1', '2', '3']])
      },
    )

    test('setState() merges into the state of a thread, for every bot, and keeps dates', async () => {
      const [first, second] = (await startBots(2)) as [Bot, Bot]
      const thread = first.chat.thread(THREAD_ID)
      expect(await thread.state).toBeNull()
      await thread.setState({ topic: 'lunch', due: SENT_AT })
      await second.chat.thread(THREAD_ID).setState({ topic: 'dinner' })
      expect(await thread.state).toEqual({ topic: 'dinner', due: SENT_AT })
      await thread.setState({ done: true }, { replace: true })
      expect(await second.chat.thread(THREAD_ID).state).toEqual({ done: true })
    })

    test('a thread that one bot subscribed to is subscribed for every bot, until unsubscribe()', async () => {
      const [first, second] = (await startBots(2)) as [Bot, Bot]
      const events: string[] = []
      for (const { chat } of [first, second]) {
        chat.onNewMention(async (thread, { id }) => {
          events.push(`mention ${id}`)
          await thread.subscribe()
        })
        chat.onSubscribedMessage(async (thread, { id }) => {
          events.push(`subscribed ${id}`)
          await thread.unsubscribe()
        })
      }
      await deliver(first, { id: '1', text: 'hello' })
      await deliver(second, { id: '2', text: 'hello' })
      await deliver(first, { id: '3', text: 'hello' })
      expect(events).toEqual(['mention 1', 'subscribed 2', 'mention 3'])
    })

    test('the histories of threads and users keep the messages of every bot', async () => {
      const config = {
        history: { user: { maxPerUser: 3 } },
        identity: () => 'ann',
        threadHistory: { maxMessages: 3 },
      }
      const [first, second] = (await startBots(2, config)) as [Bot, Bot]
      for (const { chat } of [first, second]) {
        chat.onNewMention(async (thread, message) => {
          await chat.history.user.append(thread, message)
        })
      }
      for (const [index, bot] of [first, second, first, second].entries()) {
        await deliver(bot, { id: `${index}`, text: `message ${index}` })
      }
      const texts = ['message 1', 'message 2', 'message 3']
      const { messages } = await first.chat.history.thread.list(THREAD_ID)
      expect(messages.map(({ text }) => text)).toEqual(texts)
      expect(messages[0]!.metadata.dateSent).toEqual(SENT_AT)
      const entries = await second.chat.history.user.list({ userKey: 'ann' })
      expect(entries.map(({ text }) => text)).toEqual(texts)
      await second.chat.history.user.delete({ userKey: 'ann' })
      expect(await first.chat.history.user.list({ userKey: 'ann' })).toEqual([])
    })

    test('shutdown() disconnects the state, and the next webhook connects it again', async () => {
      const store = await open()
      const bot = await startBot(await connect(store))
      await bot.chat.thread(THREAD_ID).setState({ kept: true })
      await bot.chat.shutdown()
      const read = bot.chat.thread(THREAD_ID).state
      await expect(read).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' })
      await deliver(bot, { id: '1', text: 'hello' })
      expect(await bot.chat.thread(THREAD_ID).state).toEqual({ kept: true })
    })
  })
}
