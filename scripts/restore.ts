// Restores a backup into a running bot, of whichever storage it was made:
// npm run restore -- bot.jsonl --url https://bot.example.com [--storage CloudflareKV] [--replace] [--yes]
// It says what it will change, and does it with --yes. --replace also removes what the backup does not
// name. The operator's token is ADMIN_TOKEN in the environment, or stands in the address as #token=...
import { restore } from './operate/restore.ts'

await restore()
