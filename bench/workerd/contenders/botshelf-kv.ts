import { cloudflareKV } from '../../../adapters/cloudflare-kv.ts'
import { open } from '../botshelf.ts'
import type { Contender } from '../contender.ts'

export const contender: Contender = {
  open: ({ KV }, name) => open([cloudflareKV], 'CloudflareKV', { binding: KV }, name),
}
