import { Bot } from 'grammy'
import { expect, test } from 'vitest'
import { session } from '../../../bridges/grammy.ts'
import { describeBridge } from '../support/bridge.ts'
import { memoryBackend } from '../support/memory.ts'
import { BOT_INFO, type Data, type DataContext, messageUpdate } from './bots.ts'

describeBridge('grammy', memoryBackend, ({ open }) => {
  test('with long polling bot.catch() receives the conflict, and can handle the update again', async () => {
    const store = await open<Data>()
    const bot = new Bot<DataContext>('1:token', { botInfo: BOT_INFO })
    const batches = [[messageUpdate('hi')]]
    bot.api.config.use(async (_call, method) => {
      const updates = batches.shift()
      if (method === 'getUpdates' && !updates) await bot.stop()
      return { ok: true, result: (updates ?? []) as never }
    })
    bot.api.config.use(async (call, method, payload, signal) =>
      method === 'getUpdates' ? call(method, payload, signal) : { ok: true, result: true as never },
    )
    let runs = 0
    bot.use(session({ store, initial: (): Data => ({ count: 0 }) }))
    bot.on('message', async (ctx) => {
      ctx.session.count++
      if (++runs === 1) await store.set('7', { count: 10 })
    })
    const codes: unknown[] = []
    bot.catch(async ({ error, ctx }) => {
      codes.push((error as { code?: unknown }).code)
      await bot.handleUpdate(ctx.update)
    })
    await bot.start()
    expect(codes).toEqual(['CONFLICT'])
    expect(await store.get('7')).toEqual({ count: 11 })
  })
})
