// Lets the bot hear an IRC log and prints what it then knows:
// npm run replay -- <log> --storage Memory|IndexedDB|DurableObject|CloudflareKV [--url http://...] [--json]
// A log heard twice counts twice; who was seen last and when stays, as its times do not go back.
import { main } from './replay/main.ts'

await main()
