import { cloudflareKV } from '../../../adapters/cloudflare-kv.ts'
import { openBotshelf } from '../botshelf.ts'
import type { Candidate } from '../candidate.ts'

export const candidate: Candidate = {
  open: ({ KV }, name) => openBotshelf([cloudflareKV], 'CloudflareKV', { binding: KV }, name),
}
