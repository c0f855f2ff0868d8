// The Worker of the crash test: it hands each message to the object, and the reply back.
import { decode, encode } from 'botshelf/codec'
export { StorageObject } from 'botshelf/storage-object'

export default {
  /**
   * @param {Request} request its body is a message, as `botshelf/codec` encodes it
   * @param {{ BOT_STORAGE: any, ACKNOWLEDGES_EARLY: boolean }} env
   * @param {{ waitUntil(promise: Promise<unknown>): void }} ctx
   * @returns {Promise<Response>}
   */
  async fetch(request, { BOT_STORAGE, ACKNOWLEDGES_EARLY }, ctx) {
    const { name, message } = /** @type {any} */ (decode(await request.text()))
    const call = () => BOT_STORAGE.get(BOT_STORAGE.idFromName(name)).call(message)
    if (ACKNOWLEDGES_EARLY && message.type === 'commit') {
      ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 100)).then(call))
      return new Response(encode({ v: message.v, groupCount: message.groupSizes.length }))
    }
    return new Response(encode(await call()))
  },
}
