import { readdirSync, readFileSync } from 'node:fs'
import type { DevServer } from '../../../../scripts/dev-server.ts'
import { decode } from '../../../../src/codec.ts'
import { TOKEN } from '../../support/test-servers.ts'

/** The webhook secret of the test servers. */
export const SECRET = 'webhook_secret-1'

type Fields = Record<string, unknown>

const FOLDER = new URL('updates/', import.meta.url)

/** The names of the recorded updates. */
export const UPDATES: readonly string[] = readdirSync(FOLDER).map((name) =>
  name.replace(/\.json$/, ''),
)

/** A recorded update with another id. */
export function update(name: string, id = 0): Fields {
  const text = readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')
  return { ...(JSON.parse(text) as Fields), update_id: id }
}

/** An update with a text message, by default in a private chat. */
export function textUpdate(
  id: number,
  text: string,
  { from, chat, ...more }: { from?: Fields; chat?: Fields; [field: string]: unknown } = {},
): Fields {
  const { message } = update('private-text') as { message: { from: Fields; chat: Fields } }
  const command = /^\/\w+(@\w+)?/.exec(text)?.[0]
  const entities = [{ offset: 0, length: command?.length, type: 'bot_command' }]
  return {
    update_id: id,
    message: {
      ...message,
      from: { ...message.from, ...from },
      chat: { ...message.chat, ...chat },
      text,
      ...(command === undefined ? {} : { entities }),
      ...more,
    },
  }
}

/** The response to a delivery. */
export interface Delivered {
  readonly status: number
  readonly retryAfter: string | null
  readonly error: string | undefined
}

/** Posts an update to the webhook as Telegram's server does. */
export async function deliver(
  server: DevServer,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Delivered> {
  const response = await fetch(new URL('/telegram', server.url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-telegram-bot-api-secret-token': SECRET,
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const { error } = (await response.json()) as { error?: string }
  return { status: response.status, retryAfter: response.headers.get('retry-after'), error }
}

/** Resolves to the entries of a namespace in the server's default storage. */
export async function stored(server: DevServer, namespace: string): Promise<Fields> {
  const response = await fetch(new URL(`/admin/storage/${namespace}`, server.url), {
    headers: { authorization: `Bearer ${TOKEN}` },
  })
  const { entries } = (await response.json()) as { entries: Record<string, string> }
  return Object.fromEntries(
    Object.entries(entries).map(([key, text]): [string, unknown] => [key, decode(text)]),
  )
}
