import { fromBase64Url, toBase64Url } from '../backup/base64url.ts'
import { HttpError } from './reply.ts'
import type { RestoreMode } from '../backup/plan.ts'

/** How far a restore is. The caller keeps it between two parts, so nothing is stored for it. */
export interface RestoreState {
  /** The format of this state. */
  readonly v: 1
  readonly mode: RestoreMode
  readonly storage: string
  /** The cursor that the next part begins behind; `null` at the beginning. */
  readonly after: string | null
  /** A part that begins there, of which all is set, and what is not in it is removed up to a cursor. */
  readonly begun?: { readonly sha256: string; readonly removed: string }
  /** Was the last part restored? */
  readonly done: boolean
}

/** A state as text that nobody else can make: it is signed with the operator's token. */
export async function writeRestoreId(state: RestoreState, token: string): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(state))
  return `${toBase64Url(bytes)}.${toBase64Url(await sign(bytes, token))}`
}

/**
 * The state that an id stands for.
 *
 * @throws HttpError 400 if it was not made with this token
 */
export async function readRestoreId(id: string, token: string): Promise<RestoreState> {
  try {
    const [text = '', signature = '', ...others] = id.split('.')
    const bytes = fromBase64Url(text)
    const key = await importKey(token, 'verify')
    if (
      others.length === 0 &&
      (await crypto.subtle.verify('HMAC', key, fromBase64Url(signature), bytes))
    ) {
      // Nobody but this bot has written it; a later version may have.
      const state = JSON.parse(new TextDecoder().decode(bytes)) as RestoreState
      if ((state.v as number) === 1) return state
    }
  } catch {
    // It is no text of this form.
  }
  throw new HttpError(400, 'The restore id is none that was given here.')
}

async function sign(bytes: BufferSource, token: string): Promise<Uint8Array> {
  const key = await importKey(token, 'sign')
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes))
}

function importKey(token: string, use: 'sign' | 'verify'): Promise<CryptoKey> {
  const secret = new TextEncoder().encode(`botshelf restore ${token}`)
  return crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [use])
}
