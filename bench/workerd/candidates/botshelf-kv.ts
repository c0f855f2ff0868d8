import { cloudflareKV } from '../../../adapters/cloudflare-kv.ts'
import { open } from '../botshelf.ts'
import type { Candidate } from '../candidate.ts'

export const candidate: Candidate = {
  open: ({ KV }, name) => open([cloudflareKV], 'CloudflareKV', { binding: KV }, name),
}
