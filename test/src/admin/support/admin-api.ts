import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { DevServer } from '../../../../scripts/dev-server.ts'
import { decode, encode } from '../../../../src/codec.ts'
import { TOKEN } from '../../../worker/support/test-servers.ts'

/** A part of a backup as the API sends it. */
export interface Part {
  format: number
  after: string | null
  entries: Record<string, unknown>[]
  next: string | null
  sha256: string
}

export interface ReplyBody {
  readonly error?: string
  readonly entries?: Readonly<Record<string, unknown>>
  readonly expires?: Readonly<Record<string, number>>
  readonly keys?: readonly string[]
  readonly cursor?: string | null
  readonly namespaces?: readonly string[]
  readonly sizes?: Readonly<Record<string, number>>
  readonly restore?: string
  readonly set?: number
  readonly removed?: number
  readonly again?: boolean
  readonly done?: boolean
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: ReplyBody
}

type Values = Readonly<Record<string, unknown>>

/** Calls the admin API of a server as its operator. */
export class AdminApi {
  readonly #server: () => DevServer

  /** @param server returns the server, which may not run yet */
  constructor(server: () => DevServer) {
    this.#server = server
  }

  readonly call = async (
    method: string,
    path: string,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Reply> => {
    const authorization = `Bearer ${TOKEN}`
    const headers = { authorization, 'content-type': 'application/json', ...more }
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const init = body === undefined ? { method, headers } : { method, headers, body: text }
    const reply = await fetch(new URL(path, this.#server().url), init)
    const json = (await reply.json()) as ReplyBody
    return { status: reply.status, headers: reply.headers, body: json }
  }

  /** Sets all entries of a namespace. */
  readonly put = async (namespace: string, storage: string, values: Values): Promise<void> => {
    const pairs = Object.entries(values).map(([key, value]) => [key, encode(value)])
    const body = { entries: Object.fromEntries(pairs) as Values }
    const reply = await this.call('PUT', at(namespace, storage), body)
    expect([reply.status, reply.body.error]).toEqual([200, undefined])
  }

  /** Reads the first page of a namespace. */
  readonly held = async (namespace: string, storage: string): Promise<Record<string, unknown>> => {
    const { body } = await this.call('GET', at(namespace, storage))
    const pairs = Object.entries(body.entries ?? {})
    return Object.fromEntries(pairs.map(([key, text]) => [key, decode(text as string)]))
  }

  /** Reads all parts of a backup. */
  readonly backup = async (storage: string): Promise<Part[]> => {
    const parts: Part[] = []
    for (let next: string | null = ''; next !== null;) {
      const more: string = next === '' ? '' : `&cursor=${next}`
      const { status, body } = await this.call('GET', `/admin/backup?storage=${storage}${more}`)
      expect(status).toBe(200)
      const part = body as unknown as Part
      parts.push(part)
      next = part.next
    }
    return parts
  }

  /** Restores parts until one is refused; resolves to all replies. */
  readonly restore = async (
    storage: string,
    mode: string,
    parts: readonly Part[],
  ): Promise<Reply[]> => {
    const replies: Reply[] = []
    let id: string | undefined
    for (const part of parts) {
      for (let again = true; again;) {
        const body = { mode, part, restore: id }
        const reply = await this.call('POST', `/admin/restore?storage=${storage}`, body)
        replies.push(reply)
        if (reply.status !== 200) return replies
        id = reply.body.restore
        again = reply.body.again === true
      }
    }
    return replies
  }

  /** Adds up to 200 entries by a restore, which sets them in one call to the storage. */
  readonly fill = async (namespace: string, storage: string, values: Values): Promise<void> => {
    const entries = Object.entries(values)
      .map(([key, value]) => ({ namespace, key, value: encode(value) }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    const part = sealed({ after: null, entries, next: null })
    expect((await this.restore(storage, 'merge', [part])).at(-1)?.body.done).toBe(true)
  }

  /** Removes everything, by a restore of nothing. */
  readonly wipe = async (storage: string): Promise<void> => {
    const empty = sealed({ after: null, entries: [], next: null })
    expect((await this.restore(storage, 'replace', [empty])).at(-1)?.body.done).toBe(true)
  }
}

/** Returns the path of a namespace. */
export function at(namespace: string, storage: string, more = ''): string {
  return `/admin/storage?namespace=${encodeURIComponent(namespace)}&storage=${storage}${more}`
}

/** Seals a part as docs/operating.md describes it. */
export function sealed(part: Omit<Part, 'sha256' | 'format'>): Part {
  const lines = part.entries.map((entry) => JSON.stringify(entry))
  const text = [JSON.stringify(part.after), ...lines, JSON.stringify(part.next)].join('\n')
  return { format: 1, ...part, sha256: createHash('sha256').update(text).digest('hex') }
}

/** Creates the cursor after an entry. */
export function cursor(namespace: string, key: string): string {
  return Buffer.from(JSON.stringify([namespace, key])).toString('base64url')
}

/** Makes an entry of the namespace `R` with the value 1. */
export function numberOne(key: string): Record<string, unknown> {
  return { namespace: 'R', key, value: encode(1) }
}
