// Replays an IRC log to the bot and prints the knowledge that it collects:
// npm run replay -- <log> --storage Memory|IndexedDB|DurableObject|CloudflareKV [--url http://...] [--json]
// A log that is replayed twice counts twice; the last sightings stay the same.
import { main } from './replay/main.ts'

await main()
