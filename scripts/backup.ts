// Prints a backup of a running bot, the same file as its page makes:
// npm run --silent backup -- --url https://bot.example.com [--storage CloudflareKV] > new.jsonl
// The operator's token is ADMIN_TOKEN in the environment, or stands in the address as #token=...
import { backup } from './operate/backup.ts'

await backup()
