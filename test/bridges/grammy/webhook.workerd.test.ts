import { webhookCallback } from 'grammy'
import { expect, test } from 'vitest'
import { pure, session, type SessionOptions } from '../../../bridges/grammy.ts'
import { describeBridge } from '../support/bridge.ts'
import { durableObjectBackend } from '../support/durable-object.ts'
import { createBarrier, createBot, type Data, type DataContext, messageUpdate } from './bots.ts'

const initial = (): Data => ({ count: 0 })
const secretToken = 'secret'

function webhookRequest(update: object, secret = secretToken): Request {
  return new Request('https://bot.example/', {
    method: 'POST',
    headers: { 'X-Telegram-Bot-Api-Secret-Token': secret },
    body: JSON.stringify(update),
  })
}

/** A Worker whose handler waits for `bothHaveRead` before it counts a message. */
function createWorker(
  options: SessionOptions<Data, DataContext>,
  bothHaveRead: () => Promise<void>,
): (request: Request) => Promise<Response> {
  const { bot } = createBot()
  bot.use(session(options))
  bot.on('message', async (ctx) => {
    await bothHaveRead()
    ctx.session.count++
    await ctx.reply('counted')
  })
  const handle = webhookCallback(bot, 'cloudflare-mod', { secretToken })
  // The runtime answers 500 if a handler rejects.
  return (request) => handle(request).catch(() => new Response(null, { status: 500 }))
}

/** A Worker that counts each message with `count`, and whose first reply fails. */
function createFailingWorker(
  store: SessionOptions<Data, DataContext>['store'],
  count: (ctx: DataContext) => void,
): (request: Request) => Promise<Response> {
  const { bot } = createBot()
  let replies = 0
  bot.use(session({ store, initial }))
  bot.use(
    pure((ctx, next) => {
      count(ctx)
      return next()
    }),
    () => {
      if (++replies === 1) throw new Error('Telegram does not answer')
    },
  )
  const handle = webhookCallback(bot, 'cloudflare-mod', { secretToken })
  return (request) => handle(request).catch(() => new Response(null, { status: 500 }))
}

describeBridge('grammy', durableObjectBackend, ({ openAll }) => {
  test('two webhook requests of a chat at the same time are both counted with merge', async () => {
    const stores = await openAll<Data>(2)
    const bothHaveRead = createBarrier(2)
    const merge = { count: (base = 0, mine = 0, current = 0) => current + mine - base }
    const answers = await Promise.all(
      stores.map((store) =>
        createWorker({ store, initial, merge }, bothHaveRead)(webhookRequest(messageUpdate('hi'))),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(await stores[0]!.get('7')).toEqual({ count: 2 })
  })

  test('without merge one of them answers 500, and the same update counts when it is delivered again', async () => {
    const stores = await openAll<Data>(2)
    const bothHaveRead = createBarrier(2)
    const workers = stores.map((store) => createWorker({ store, initial }, bothHaveRead))
    const updates = [messageUpdate('hi'), messageUpdate('hi')]
    const answers = await Promise.all(
      workers.map((worker, index) => worker(webhookRequest(updates[index]!))),
    )
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 500])
    expect(await stores[0]!.get('7')).toEqual({ count: 1 })
    const failed = answers.findIndex(({ status }) => status === 500)
    expect((await workers[failed]!(webhookRequest(updates[failed]!))).status).toBe(200)
    expect(await stores[0]!.get('7')).toEqual({ count: 2 })
  })

  test('if the reply after pure() fails, the update is counted again when it is delivered again', async () => {
    const [store] = await openAll<Data>(1)
    const worker = createFailingWorker(store!, (ctx) => void ctx.session.count++)
    const update = messageUpdate('hi')
    expect((await worker(webhookRequest(update))).status).toBe(500)
    expect((await worker(webhookRequest(update))).status).toBe(200)
    expect(await store!.get('7')).toEqual({ count: 2 })
  })

  test('a session that keeps the ids of its updates counts one that is delivered again once', async () => {
    const [store] = await openAll<Data>(1)
    const worker = createFailingWorker(store!, ({ session: data, update }) => {
      const id = String(update.update_id)
      if (data.names?.includes(id)) return
      data.names = [...(data.names ?? []), id]
      data.count++
    })
    const updates = [messageUpdate('hi'), messageUpdate('hi')]
    const answers = [await worker(webhookRequest(updates[0]!))]
    // The other update is handled in between.
    answers.push(await worker(webhookRequest(updates[1]!)))
    answers.push(await worker(webhookRequest(updates[0]!)))
    expect(answers.map(({ status }) => status)).toEqual([500, 200, 200])
    expect(await store!.get('7')).toMatchObject({ count: 2 })
  })

  test('a request with a wrong secret changes nothing', async () => {
    const [store] = await openAll<Data>(1)
    const worker = createWorker({ store: store!, initial }, async () => {})
    expect((await worker(webhookRequest(messageUpdate('hi'), 'wrong'))).status).toBe(401)
    expect(await store!.size()).toBe(0)
  })
})
